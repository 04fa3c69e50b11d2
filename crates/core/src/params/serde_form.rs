//! The serde form: a map from short key to text, number or flag. It is a form for storage and holds
//! the secrets.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap as _,
};

use super::{
    ConnectParams,
    field::{self, FIELDS, Shape},
};
use crate::Host;

impl Serialize for ConnectParams {
    /// What is at its default is left out. **The password, passphrase and key are in it.**
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for field in FIELDS {
            let Some(value) = (field.get)(self) else {
                continue;
            };
            let key = field.key.replace('-', "_");
            let number = value
                .parse::<u64>()
                .ok()
                .filter(|_| field.shape == Shape::Number);
            match (field.shape, number) {
                (_, Some(number)) => map.serialize_entry(&key, &number)?,
                (Shape::Flag, None) => map.serialize_entry(&key, &(value == "true"))?,
                _ => map.serialize_entry(&key, &value)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ConnectParams {
    /// Keys are read like labels; unknown ones and one given twice are refused.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Params;

        impl<'de> Visitor<'de> for Params {
            type Value = ConnectParams;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of connection parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ConnectParams, A::Error> {
                let mut params = ConnectParams::for_host(Host::Name(String::new()));
                let mut seen: Vec<&str> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    let field = field::find(&key).map_err(A::Error::custom)?;
                    if seen.contains(&field.key) {
                        return Err(A::Error::custom(format_args!("{key:?} is given twice")));
                    }
                    seen.push(field.key);
                    if let Value(Some(text)) = value {
                        field::set(&mut params, field, &text).map_err(A::Error::custom)?;
                    }
                }
                if !seen.contains(&"server") {
                    return Err(A::Error::missing_field("server"));
                }
                Ok(params)
            }
        }

        deserializer.deserialize_map(Params)
    }
}

/// A text, number or flag as text; null as `None`.
struct Value(Option<String>);

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl Visitor<'_> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, a number or a flag")
            }

            fn visit_str<E>(self, text: &str) -> Result<Value, E> {
                Ok(Value(Some(text.to_owned())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value(Some(number.to_string())))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
                Ok(Value(Some(number.to_string())))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
                Ok(Value(Some(number.to_string())))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
                Ok(Value(Some(flag.to_string())))
            }

            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value(None))
            }
        }

        deserializer.deserialize_any(Any)
    }
}
