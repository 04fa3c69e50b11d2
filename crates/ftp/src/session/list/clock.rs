//! The server's clock, by which the times in LIST lines become UTC.
//!
//! LIST tells times in the server's own zone, MDTM the same file's in UTC: the difference is how far
//! that zone is ahead. It changes with summer time, and a file is listed with the difference of *its*
//! season. So there are two differences, one for each half of the year, and the weeks in which some
//! zone may have begun or ended its summer time have none unless the two are the same.

use ftp_connect_core::HostProfile;
use ftp_connect_ftp_proto::{CivilTime, Precision};

/// The half of the year in which a time is, as far as summer time goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Season {
    /// November to the first week of March.
    Winter,
    /// The second week of April to August.
    Summer,
}

impl Season {
    /// The season, unless the time is one in which some zone changes its clocks.
    pub(super) fn of(time: &CivilTime) -> Option<Self> {
        match (time.month, time.day) {
            (11, 8..) | (12 | 1 | 2, _) | (3, ..=7) => Some(Self::Winter),
            (4, 8..) | (5..=8, _) => Some(Self::Summer),
            _ => None,
        }
    }

    /// What is known of it.
    pub(super) fn offset(self, known: &HostProfile) -> Option<i32> {
        match self {
            Self::Winter => known.clock_offset,
            Self::Summer => known.clock_offset_summer,
        }
    }

    /// Writes down what a file's two times say.
    pub(super) fn learn(self, known: &mut HostProfile, listed: &CivilTime, utc: &CivilTime) {
        let place = match self {
            Self::Winter => &mut known.clock_offset,
            Self::Summer => &mut known.clock_offset_summer,
        };
        if let Some(offset) = difference(listed, utc) {
            *place = Some(offset);
        }
    }
}

/// Whether a time is one of the server's zone that can be converted if its clock is known.
pub(super) fn is_local(time: &CivilTime) -> bool {
    !time.utc && time.precision >= Precision::Minute
}

/// The time in UTC, if it is known how far the server's clock is ahead at that time of the year.
pub(super) fn to_utc(time: &CivilTime, known: &HostProfile) -> Option<CivilTime> {
    if !is_local(time) {
        return None;
    }
    let offset = match Season::of(time) {
        Some(season) => season.offset(known),
        None => known
            .clock_offset
            .filter(|_| known.clock_offset == known.clock_offset_summer),
    }?;
    let mut utc = CivilTime::from_unix(time.to_unix() - i64::from(offset))?;
    utc.precision = time.precision;
    Some(utc)
}

/// How far the listed time is ahead of the other, in seconds: a multiple of a quarter of an hour, as all
/// zones are. `None` if the two cannot be times of one file.
fn difference(listed: &CivilTime, utc: &CivilTime) -> Option<i32> {
    // The listed minute began up to a minute before.
    let exact = listed.to_unix() - utc.to_unix() + i64::from(utc.second);
    let rounded = (exact + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    let fits = (exact - rounded).abs() <= 60 && rounded.abs() <= FURTHEST;
    i32::try_from(rounded).ok().filter(|_| fits)
}

const QUARTER: i64 = 15 * 60;

/// No zone is further from UTC than this: 14 hours.
const FURTHEST: i64 = 14 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(year: i32, month: u8, day: u8, hour: u8, minute: u8) -> CivilTime {
        CivilTime::new(year, month, day)
            .and_then(|date| date.at(hour, minute, 0))
            .unwrap()
    }

    fn known(winter: Option<i32>, summer: Option<i32>) -> HostProfile {
        let mut profile = HostProfile::new("nas".parse().unwrap(), 21);
        profile.clock_offset = winter;
        profile.clock_offset_summer = summer;
        profile
    }

    #[track_caller]
    fn check(listed: CivilTime, utc: &str, expected: Option<i32>) {
        let utc = ftp_connect_ftp_proto::parse::time(utc.as_bytes()).unwrap();
        assert_eq!(difference(&listed, &utc), expected);
    }

    #[test]
    fn two_times_of_one_file() {
        check(at(2024, 1, 2, 3, 4), "20240102030459", Some(0));
        check(at(2024, 1, 2, 4, 4), "20240102030400", Some(3600));
        check(at(2024, 1, 1, 22, 4), "20240102030430", Some(-5 * 3600));
        check(
            at(2024, 1, 2, 8, 49),
            "20240102030430",
            Some(5 * 3600 + 2700),
        );
        // Somebody has written to it in between.
        check(at(2024, 1, 2, 3, 4), "20240102031159", None);
        check(at(2024, 1, 4, 3, 4), "20240102030459", None);
    }

    #[track_caller]
    fn check_utc(listed: CivilTime, known: &HostProfile, expected: Option<&str>) {
        let utc = to_utc(&listed, known).map(|time| time.to_string());
        assert_eq!(utc.as_deref(), expected);
    }

    #[test]
    fn each_season_has_its_own() {
        let berlin = known(Some(3600), Some(7200));
        check_utc(at(2024, 1, 15, 0, 30), &berlin, Some("2024-01-14T23:30Z"));
        check_utc(at(2024, 7, 15, 0, 30), &berlin, Some("2024-07-14T22:30Z"));
        check_utc(at(2024, 3, 30, 12, 0), &berlin, None);
        check_utc(at(2024, 7, 15, 0, 30), &known(Some(3600), None), None);
        check_utc(
            at(2024, 3, 30, 12, 0),
            &known(Some(0), Some(0)),
            Some("2024-03-30T12:00Z"),
        );
        check_utc(at(2024, 3, 30, 12, 0), &known(None, None), None);
    }

    #[test]
    fn days_stay_what_they_are() {
        let day = CivilTime::new(2024, 1, 15).unwrap();
        check_utc(day, &known(Some(3600), Some(3600)), None);
    }
}
