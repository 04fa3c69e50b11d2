//! Times and permissions of files here, and times of two sides compared as exactly as both are known.

use std::{
    cmp::Ordering,
    time::{Duration, SystemTime},
};

use ftp_connect_core::{Permissions, Precision, Timestamp};

/// Which is later; `None` if they cannot be compared, because they are of different clocks.
pub(crate) fn compare(one: &Timestamp, other: &Timestamp) -> Option<Ordering> {
    if one.zone() != other.zone() {
        return None;
    }
    let precision = one.precision().min(other.precision());
    let cut = |time: &Timestamp| {
        let (hour, minute, second) = time.time();
        let clock = match precision {
            Precision::Day => (0, 0, 0, 0),
            Precision::Minute => (hour, minute, 0, 0),
            Precision::Second => (hour, minute, second, 0),
            Precision::Subsecond => (hour, minute, second, time.nanosecond()),
        };
        (time.date(), clock)
    };
    Some(cut(one).cmp(&cut(other)))
}

/// Whether a time is UTC and known to the second.
pub(crate) fn is_exact(time: &Timestamp) -> bool {
    time.precision() >= Precision::Second && time.unix_seconds().is_some()
}

/// The time as the operating system has it; `None` if it is not UTC.
pub(crate) fn to_system(time: &Timestamp) -> Option<SystemTime> {
    let seconds = time.unix_seconds()?;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let at = if seconds < 0 {
        SystemTime::UNIX_EPOCH.checked_sub(whole)?
    } else {
        SystemTime::UNIX_EPOCH.checked_add(whole)?
    };
    at.checked_add(Duration::from_nanos(time.nanosecond().into()))
}

/// When a local file was modified.
pub(crate) fn of(metadata: &std::fs::Metadata) -> Option<Timestamp> {
    metadata.modified().ok().map(Timestamp::from_system_time)
}

/// The permissions of a local file.
#[cfg(unix)]
pub(crate) fn mode_of(metadata: &std::fs::Metadata) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(Permissions::from_mode(
        metadata.permissions().mode() & 0o777,
    ))
}

#[cfg(not(unix))]
pub(crate) fn mode_of(_metadata: &std::fs::Metadata) -> Option<Permissions> {
    None
}

#[cfg(test)]
mod tests {
    use ftp_connect_core::Zone;

    use super::*;

    #[track_caller]
    fn check(one: (Precision, (u8, u8, u8)), other: (Precision, (u8, u8, u8)), expected: Ordering) {
        let at = |(precision, time)| {
            Timestamp::from_civil((2024, 5, 6), time, 7, precision, Zone::Utc).unwrap()
        };
        assert_eq!(compare(&at(one), &at(other)), Some(expected));
    }

    #[test]
    fn times_compare_as_exactly_as_both_are_known() {
        use Precision::{Day, Minute, Second, Subsecond};
        check((Second, (1, 2, 3)), (Second, (1, 2, 4)), Ordering::Less);
        check((Second, (1, 2, 3)), (Minute, (1, 2, 0)), Ordering::Equal);
        check(
            (Minute, (1, 3, 0)),
            (Subsecond, (1, 2, 59)),
            Ordering::Greater,
        );
        check((Day, (0, 0, 0)), (Second, (23, 0, 0)), Ordering::Equal);
        check((Subsecond, (1, 2, 3)), (Second, (1, 2, 3)), Ordering::Equal);
    }

    #[test]
    fn another_clock_is_not_compared() {
        let server =
            Timestamp::from_civil((2024, 1, 1), (0, 0, 0), 0, Precision::Day, Zone::Server);
        let utc = Timestamp::from_unix_seconds(0).unwrap();
        assert_eq!(compare(&server.unwrap(), &utc), None);
        assert_eq!(to_system(&server.unwrap()), None);
    }

    #[test]
    fn a_time_survives_the_operating_system() {
        for seconds in [-1, 0, 1_700_000_000] {
            let time = Timestamp::from_unix_seconds(seconds).unwrap();
            let back = Timestamp::from_system_time(to_system(&time).unwrap());
            assert_eq!(compare(&time, &back), Some(Ordering::Equal));
        }
    }
}
