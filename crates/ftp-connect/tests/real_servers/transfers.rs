//! Trees up and down, files replaced and gone on with, on every server of the lab: what the embedded servers
//! cannot show is what the real ones make of names, times, renames and part files.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use ftp_connect::transfer::mirror::{ApplyOptions, Mirror, Plan};
use ftp_connect::transfer::{
    Integrity, Overwrite, Pool, PoolOptions, Publish, TransferOptions, glob,
};
use ftp_connect::{RemotePath, SessionExt as _, WriteOptions};
use ftp_connect_testkit::lab::{Lab, LabServer};

use crate::odd_tree::{self, Names, check_equal};
use crate::ways::ways;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_server_is_mirrored_both_ways_and_publishes() {
    let lab = Lab::from_env();
    let mut table = String::from("what publishing and mirroring came to, by server\n");
    for server in &lab.servers {
        // The last way is the one that works with most: with the session reused where that is demanded.
        let way = ways(&lab, server).into_iter().rfind(|way| {
            way.mode
                .is_none_or(|mode| mode == ftp_connect::Mode::Passive)
        });
        let params = way.expect("a way").params;
        let options = PoolOptions::default()
            .with_sessions(2)
            .with_pause(Duration::from_millis(50));
        let pool = Pool::new(ftp_connect::registry(), params, options);
        let begun = Instant::now();
        let trees = trees(server, &pool).await;
        let files = files(server, &pool).await;
        pool.close().await;
        writeln!(
            table,
            "{:24} {trees}; {files}; {:.1} s",
            server.name,
            begun.elapsed().as_secs_f64()
        )
        .unwrap();
    }
    Lab::leave("transfers", &table);
}

/// The embedded servers have five thousand of them, but none whose name is no text.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_files_go_up_and_come_back() {
    let lab = Lab::from_env();
    let mut table = String::from("a thousand files with odd names\n");
    let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    odd_tree::make(here.path(), 1_000, Names::Bytes);
    let expected = odd_tree::read(here.path());
    for (name, sessions) in [("vsftpd-plain", 1), ("vsftpd-explicit", 2), ("openssh", 1)] {
        let server = lab.server(name);
        let params = ways(&lab, server).pop().expect("a way").params;
        let options = PoolOptions::default().with_sessions(sessions);
        let pool = Pool::new(ftp_connect::registry(), params, options);
        let folder = RemotePath::new("a thousand").unwrap();
        remove(&pool, &folder).await;
        let back = back.path().join(name);
        for mirror in [
            Mirror::upload(here.path(), folder.clone()),
            Mirror::download(folder.clone(), &back),
        ] {
            let begun = Instant::now();
            let (plan, verified) = apply(name, &pool, &mirror).await;
            assert_eq!((plan.files(), verified), (1_000, 1_000), "{name}");
            let direction = mirror.direction;
            writeln!(
                table,
                "{name:20} {direction:?} {:.1} s",
                begun.elapsed().as_secs_f64()
            )
            .unwrap();
            let again = mirror.plan(&pool).await.unwrap();
            assert!(again.is_empty(), "{name}: {:?}", again.steps.first());
        }
        let there = odd_tree::read(&server.root.join("a thousand"));
        check_equal(&format!("{name}, what went up"), &there, &expected);
        check_equal(
            &format!("{name}, what came back"),
            &odd_tree::read(&back),
            &expected,
        );
        fs::remove_dir_all(server.root.join("a thousand")).unwrap();
        pool.close().await;
    }
    Lab::leave("thousand", &table);
}

#[tokio::test]
async fn nothing_is_removed_after_a_listing_that_was_cut_short() {
    let lab = Lab::from_env();
    for server in lab.with_trait("ten-entries") {
        let params = crate::ways::params(&lab, server);
        let pool = Pool::new(ftp_connect::registry(), params, PoolOptions::default());
        let folder = RemotePath::new("cut-short").unwrap();
        remove(&pool, &folder).await;
        let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for number in 0..20 {
            fs::write(here.path().join(number.to_string()), "x").unwrap();
        }
        fs::write(back.path().join("kept"), "x").unwrap();
        apply(
            &server.name,
            &pool,
            &Mirror::upload(here.path(), folder.clone()),
        )
        .await;
        let down = Mirror::download(folder.clone(), back.path()).with_delete(true);
        let (plan, _) = apply(&server.name, &pool, &down).await;
        assert!(plan.delete_refused && !plan.source_whole, "{}", server.name);
        assert!(
            (1..20).contains(&plan.files()),
            "{}: {}",
            server.name,
            plan.files()
        );
        assert!(back.path().join("kept").exists(), "{}", server.name);
        // The rest can still be removed by those that know the names.
        let mut session = pool.session().await.unwrap();
        for number in 0..20 {
            let name = RemotePath::new(number.to_string()).unwrap();
            session.remove_file(&folder.join(&name)).await.unwrap();
        }
        session.remove_dir(&folder).await.unwrap();
        session.give_back();
        pool.close().await;
    }
}

/// A tree goes up and comes back, and then nothing is left to do.
async fn trees(server: &LabServer, pool: &Pool) -> String {
    let name = &server.name;
    let (here, back) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    make(here.path());
    let folder = RemotePath::new("mirrored").unwrap();
    remove(pool, &folder).await;
    let before = odd_tree::read(here.path());
    let up = Mirror::upload(here.path(), folder.clone()).with_delete(true);
    let (plan, verified) = apply(name, pool, &up).await;
    assert_eq!(plan.files(), FILES as u64, "{name}: {:?}", plan.left_out);
    let there = odd_tree::read(&server.root.join("mirrored"));
    check_equal(&format!("{name}, what went up"), &there, &before);
    let down = Mirror::download(folder.clone(), back.path()).with_delete(true);
    apply(name, pool, &down).await;
    let came_back = odd_tree::read(back.path());
    check_equal(&format!("{name}, what came back"), &came_back, &before);
    for mirror in [&up, &down] {
        let again = mirror.plan(pool).await.unwrap();
        assert!(
            again.is_empty(),
            "{name}: {:?}, left out {:?}",
            again.steps,
            again.left_out
        );
    }
    // What changes here changes there.
    fs::write(here.path().join("a/changed"), "longer than before").unwrap();
    fs::remove_file(here.path().join("a/gone")).unwrap();
    let (plan, _) = apply(name, pool, &up).await;
    assert_eq!(plan.steps.len(), 2, "{name}: {:?}", plan.steps);
    assert!(
        odd_tree::read(&server.root.join("mirrored")) == odd_tree::read(here.path()),
        "{name}"
    );
    let matching = glob(
        &mut *pool.session().await.unwrap(),
        &RemotePath::new("mirrored/a/*ed").unwrap(),
    )
    .await;
    assert_eq!(matching.unwrap().len(), 1, "{name}");
    remove(pool, &folder).await;
    format!("{verified} of {FILES} verified")
}

async fn apply(name: &str, pool: &Pool, mirror: &Mirror) -> (Plan, u64) {
    let plan = mirror
        .plan(pool)
        .await
        .unwrap_or_else(|error| panic!("{name}: {error:?}"));
    let options = ApplyOptions::default().with_parallel(2);
    let summary = plan.apply(pool, &options, &mut |_| {}).await.unwrap();
    assert!(summary.is_success(), "{name}: {:?}", summary.failures);
    (plan, summary.verified)
}

/// A file is replaced in one step as far as the server lets one, keeps its permissions, and is gone on with.
async fn files(server: &LabServer, pool: &Pool) -> String {
    let name = &server.name;
    let folder = RemotePath::new("published").unwrap();
    remove(pool, &folder).await;
    let mut session = pool.session().await.unwrap();
    session
        .create_dir(&folder, Default::default())
        .await
        .unwrap();
    let here = tempfile::tempdir().unwrap();
    let local = here.path().join("file");
    let content: Vec<u8> = (0..100_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(&local, &content).unwrap();
    let file = folder.join(&RemotePath::new("file").unwrap());
    session
        .write_all(&file, b"old", WriteOptions::default())
        .await
        .unwrap();
    session.give_back();
    let options = TransferOptions::default().with_keep_times(true);
    let up = pool.upload(&local, &file, &options, &mut |_| {}).await;
    let up = up.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert_ne!(up.publish, Publish::InPlace, "{name}");
    assert_ne!(up.integrity, Integrity::Unverified, "{name}");
    let there = server.root.join("published");
    assert!(fs::read(there.join("file")).unwrap() == content, "{name}");
    assert_eq!(
        fs::read_dir(&there).unwrap().count(),
        1,
        "{name}: something was left behind"
    );

    // A beginning that somebody left is gone on with.
    let mut session = pool.session().await.unwrap();
    session
        .write_all(&file, &content[..150_000], WriteOptions::default())
        .await
        .unwrap();
    session.give_back();
    let how = TransferOptions::default().with_overwrite(Overwrite::Resume);
    let resumed = pool.upload(&local, &file, &how, &mut |_| {}).await;
    let resumed = resumed.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert_eq!(resumed.resumed_at, 150_000, "{name}");
    assert!(fs::read(there.join("file")).unwrap() == content, "{name}");
    let begun = here.path().join("begun");
    fs::write(&begun, &content[..150_000]).unwrap();
    let down = pool.download(&file, &begun, &how, &mut |_| {}).await;
    let down = down.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert_eq!(down.resumed_at, 150_000, "{name}");
    assert!(fs::read(&begun).unwrap() == content, "{name}");
    remove(pool, &folder).await;
    format!(
        "replaced {:?}, proven by {:?}, times kept {:?}; resumed proven by {:?}",
        up.publish, up.integrity, up.attributes_kept, down.integrity
    )
}

async fn remove(pool: &Pool, folder: &RemotePath) {
    let mut session = pool.session().await.unwrap();
    // It is not there the first time.
    let _ = session.remove_all(folder).await;
}

/// Files of several ages, which listings tell as exactly as they like, with names that servers and listings have
/// trouble with.
fn make(folder: &Path) {
    let ages = [0, 3600, 86_400 * 40, 86_400 * 200, 86_400 * 900];
    let names = [
        "a b",
        "a -> b",
        "-rf",
        "x;type=i",
        "[1]",
        "größe",
        ".hidden",
        "100%",
        "it's",
        " blanks ",
        "*?",
        "\u{1f980}",
        "\"quoted\"",
    ];
    for sub in ["a", "a/deep", "b c"] {
        fs::create_dir_all(folder.join(sub)).unwrap();
    }
    for number in 0..FILES {
        let sub = ["", "a", "a/deep", "b c"][number % 4];
        let name = match number {
            1 => "changed".to_owned(),
            5 => "gone".to_owned(),
            _ => format!("{} {number}", names[number % names.len()]),
        };
        let file = folder.join(sub).join(name);
        fs::write(&file, vec![number as u8; number * 31]).unwrap();
        let at = SystemTime::now() - Duration::from_secs(ages[number % ages.len()]);
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(at)
            .unwrap();
    }
}

const FILES: usize = 40;
