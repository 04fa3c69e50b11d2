//! A handle the server gave out: it is closed in the end, whatever becomes of who held it.

use std::time::Duration;

use bytes::Bytes;
use ftp_connect_core::Result;

use super::status;
use crate::{
    client::{Client, Reply},
    proto::Request,
};

/// An open file or folder. Dropping it closes it without waiting for the answer.
#[derive(Debug)]
pub(super) struct OpenHandle {
    client: Client,
    handle: Bytes,
    closing: bool,
}

impl OpenHandle {
    pub(super) fn new(client: &Client, handle: Bytes) -> Self {
        Self {
            client: client.clone(),
            handle,
            closing: false,
        }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.handle
    }

    /// Asks for the attributes of what is open.
    pub(super) fn attributes(&self) -> Reply {
        self.client.request(&Request::Fstat(&self.handle))
    }

    /// Asks for this range of a file.
    pub(super) fn read(&self, offset: u64, length: u32) -> Reply {
        self.client.request(&Request::Read {
            handle: &self.handle,
            offset,
            length,
        })
    }

    /// Closes it and waits for the server's word.
    pub(super) async fn close(self, limit: Duration) -> Result<()> {
        status::done(self.send_close().wait(limit).await?)
    }

    /// Closes it; what was asked of it before is done before.
    pub(super) fn send_close(mut self) -> Reply {
        self.closing = true;
        self.close_request()
    }

    fn close_request(&self) -> Reply {
        self.client.request(&Request::Close(&self.handle))
    }
}

impl Drop for OpenHandle {
    fn drop(&mut self) {
        if !self.closing {
            drop(self.close_request());
        }
    }
}
