//! How a plan's parts look as text.

pub(super) mod path {
    //! A path on the server: its display form, which loses nothing.

    use ftp_connect_core::RemotePath;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(
        path: &RemotePath,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(path)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<RemotePath, D::Error> {
        let text = String::deserialize(from)?;
        RemotePath::from_display(&text).map_err(de::Error::custom)
    }
}

pub(super) mod local {
    //! A path here: as the display form of a path on the server where paths are bytes, else as text.

    use std::path::{Path, PathBuf};

    use ftp_connect_core::RemotePath;
    use serde::{Deserialize as _, Deserializer, Serializer, de, ser};

    pub(in super::super) fn serialize<S: Serializer>(
        path: &Path,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let bytes = path.as_os_str().as_encoded_bytes();
        let shown = RemotePath::new(bytes).map_err(ser::Error::custom)?;
        to.collect_str(&shown)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<PathBuf, D::Error> {
        let text = String::deserialize(from)?;
        let path = RemotePath::from_display(&text).map_err(de::Error::custom)?;
        #[cfg(unix)]
        let path = <std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(
            path.as_bytes().to_vec(),
        );
        #[cfg(not(unix))]
        let path = path
            .as_str()
            .ok_or_else(|| de::Error::custom("the path is no text"))?;
        Ok(path.into())
    }
}

pub(super) mod time {
    //! A time as it prints: the digits that are there tell how exact it is, a `Z` that it is UTC.

    use ftp_connect_core::{Precision, Timestamp, Zone};
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(in super::super) fn serialize<S: Serializer>(
        time: &Option<Timestamp>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match time {
            Some(time) => to.collect_str(time),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else {
            return Ok(None);
        };
        parse(&text)
            .map(Some)
            .ok_or_else(|| de::Error::custom(format!("{text:?} is no time")))
    }

    fn parse(text: &str) -> Option<Timestamp> {
        let (text, zone) = match text.strip_suffix('Z') {
            Some(text) => (text, Zone::Utc),
            None => (text, Zone::Server),
        };
        let (date, clock) = text.split_once('T').unwrap_or((text, ""));
        let (rest, day) = date.rsplit_once('-')?;
        let (year, month) = rest.rsplit_once('-')?;
        let date = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let parts: Vec<u8> = clock
            .split(':')
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .ok()?;
        let (precision, clock) = match *parts.as_slice() {
            [] => (Precision::Day, (0, 0, 0)),
            [hour, minute] => (Precision::Minute, (hour, minute, 0)),
            [hour, minute, second] => (Precision::Second, (hour, minute, second)),
            _ => return None,
        };
        let nanosecond = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        // Those of a whole second print none, and lose nothing by being less exact.
        let precision = if fraction.is_empty() {
            precision
        } else {
            Precision::Subsecond
        };
        Timestamp::from_civil(date, clock, nanosecond, precision, zone)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[track_caller]
        fn check(text: &str, precision: Precision) {
            let time = parse(text).unwrap();
            assert_eq!(
                (time.to_string().as_str(), time.precision()),
                (text, precision)
            );
        }

        #[test]
        fn times_are_read_as_they_print() {
            check("2024-02-29", Precision::Day);
            check("2024-02-29T01:02", Precision::Minute);
            check("2024-02-29T01:02:03Z", Precision::Second);
            check("2024-02-29T01:02:03.000000001Z", Precision::Subsecond);
            check("2024-02-29T01:02:03.5", Precision::Subsecond);
            for bad in [
                "",
                "2024",
                "2024-02-30",
                "2024-01-01T1",
                "2024-01-01T01:02:03:04",
            ] {
                assert_eq!(parse(bad), None, "{bad}");
            }
        }
    }
}
