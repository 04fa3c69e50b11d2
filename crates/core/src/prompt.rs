//! What a server asks that no parameter answers: one-time codes, and whatever else it thinks of.

use std::{fmt, sync::Arc};

use async_trait::async_trait;

use crate::Secret;

/// Answers what a server asks while somebody logs in, for example by asking a person.
///
/// It is no part of the forms of the parameters that are text: it is a piece of program.
#[async_trait]
pub trait Prompter: fmt::Debug + Send + Sync + 'static {
    /// One answer for each prompt, in their order; `None` gives the login up.
    ///
    /// # Cancel safety
    /// The future is dropped when the login has taken too long.
    async fn answer(&self, challenge: &Challenge) -> Option<Vec<Secret>>;
}

/// What is asked at once.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// A title, often empty.
    pub name: String,
    /// What to tell before asking, often empty; it may have several lines.
    pub instructions: String,
    /// The questions that no parameter answers; there is at least one.
    pub prompts: Vec<Prompt>,
}

impl Challenge {
    /// A challenge of these questions.
    pub fn new(
        name: impl Into<String>,
        instructions: impl Into<String>,
        prompts: Vec<Prompt>,
    ) -> Self {
        Self {
            name: name.into(),
            instructions: instructions.into(),
            prompts,
        }
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prompt {
    /// The question as the server words it, without control characters.
    pub text: String,
    /// Whether the answer may be seen while it is typed.
    pub echo: bool,
}

impl Prompt {
    /// A question.
    pub fn new(text: impl Into<String>, echo: bool) -> Self {
        Self {
            text: text.into(),
            echo,
        }
    }
}

/// A prompter among the parameters. Two are equal if they are the same.
#[derive(Clone)]
pub(crate) struct SharedPrompter(pub(crate) Arc<dyn Prompter>);

impl fmt::Debug for SharedPrompter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl PartialEq for SharedPrompter {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SharedPrompter {}
