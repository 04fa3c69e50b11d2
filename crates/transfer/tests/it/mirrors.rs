//! Folders made equal, both ways.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use ftp_connect_core::{
    ConnectParams, EntryKind, Registry, RemotePath, Session, SessionExt as _, Transport as _,
    WriteOptions,
};
use ftp_connect_testkit::memory::MemoryTransport;
use ftp_connect_transfer::{
    Pool, PoolOptions, Walk,
    mirror::{ApplyOptions, Compare, Filter, Mirror, MirrorEvent, Plan, Reason, Step, Summary},
};

use crate::common::path;

struct Sides {
    local: tempfile::TempDir,
    server: MemoryTransport,
    pool: Pool,
}

impl Sides {
    fn new() -> Self {
        let server = MemoryTransport::new();
        let params = ConnectParams::new("memory.example").unwrap();
        let registry = Registry::new().with(server.clone());
        Self {
            local: tempfile::tempdir().unwrap(),
            server,
            pool: Pool::new(registry, params, PoolOptions::default().with_sessions(3)),
        }
    }

    async fn session(&self) -> Box<dyn Session> {
        let params = ConnectParams::new("memory.example").unwrap();
        self.server.connect(&params).await.unwrap()
    }

    fn write(&self, name: &str, content: &str) {
        let path = self.local.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes files of one byte on the server.
    async fn write_there(&self, names: &[&str]) {
        let mut session = self.session().await;
        session
            .create_dir(&path("in"), Default::default())
            .await
            .unwrap();
        for name in names {
            let name = path("in").join(&path(name));
            session
                .write_all(&name, b"x", WriteOptions::default())
                .await
                .unwrap();
        }
    }

    fn set_modified(&self, name: &str, time: SystemTime) {
        let path = self.local.path().join(name);
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(time).unwrap();
    }

    fn up(&self) -> Mirror {
        Mirror::upload(self.local.path(), path("in"))
    }

    fn down(&self, to: &Path) -> Mirror {
        Mirror::download(path("in"), to)
    }

    async fn plan(&self, mirror: Mirror) -> Plan {
        mirror.plan(&self.pool).await.unwrap()
    }

    async fn apply(&self, plan: &Plan) -> Summary {
        let options = ApplyOptions::default().with_parallel(3);
        let summary = plan.apply(&self.pool, &options, &mut |_| {}).await.unwrap();
        assert!(summary.is_success(), "{summary:?}");
        summary
    }

    /// All files on the server, by what is below the folder.
    async fn remote(&self) -> BTreeMap<String, Vec<u8>> {
        let mut session = self.session().await;
        let mut walk = Walk::new(path("in"), Default::default());
        let mut files = BTreeMap::new();
        while let Some(found) = walk.next(&mut *session).await {
            let found = found.unwrap();
            if found.entry.kind == EntryKind::File {
                let content = session.read_to_vec(&found.path, 1 << 20).await.unwrap();
                files.insert(found.below.to_string(), content);
            }
        }
        files
    }
}

fn local(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let below = path.strip_prefix(folder).unwrap();
                let name = RemotePath::new(below.as_os_str().as_encoded_bytes()).unwrap();
                files.insert(name.to_string(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

#[cfg(unix)]
#[tokio::test]
async fn a_tree_goes_up_and_comes_back_and_then_nothing_is_left_to_do() {
    use std::os::unix::ffi::OsStrExt as _;
    let sides = Sides::new();
    for number in 0..200 {
        sides.write(
            &format!("{}/{}/{number}.txt", number % 5, number % 7),
            &"x".repeat(number),
        );
    }
    for odd in [
        " blank ",
        "-rf",
        "a;b",
        "a -> b",
        "quote\"'",
        "back\\slash",
        "*?[x]",
        "größe",
        "~",
    ] {
        sides.write(&format!("odd/{odd}"), odd);
    }
    let latin = std::ffi::OsStr::from_bytes(b"caf\xe9");
    fs::write(sides.local.path().join("odd").join(latin), "latin").unwrap();
    fs::create_dir(sides.local.path().join("empty")).unwrap();

    let plan = sides.plan(sides.up()).await;
    assert_eq!(plan.files(), 210);
    assert!(plan.left_out.is_empty(), "{:?}", plan.left_out);
    // A plan loses nothing as text.
    let plan = Plan::from_json(&plan.to_json().unwrap()).unwrap();
    let summary = sides.apply(&plan).await;
    assert_eq!(
        (summary.copied, summary.verified, summary.folders),
        (210, 210, 43)
    );
    assert_eq!(sides.remote().await, local(sides.local.path()));
    assert!(sides.plan(sides.up()).await.is_empty());

    let back = tempfile::tempdir().unwrap();
    let to = back.path().join("new");
    let plan = sides.plan(sides.down(&to)).await;
    assert_eq!(sides.apply(&plan).await.copied, 210);
    assert_eq!(local(&to), local(sides.local.path()));
    assert!(to.join("empty").is_dir());
    let again = sides
        .plan(sides.down(&to).with_compare(Compare::TimeOrSize))
        .await;
    assert!(again.is_empty(), "{:?}", again.steps);
    assert_eq!(again.unchanged, 210);
}

#[tokio::test]
async fn what_has_changed_is_copied_and_what_is_gone_is_removed_if_told() {
    let sides = Sides::new();
    for name in ["same", "grown", "newer", "gone", "old/gone", "kind"] {
        sides.write(name, "1234");
    }
    let plan = sides.plan(sides.up()).await;
    sides.apply(&plan).await;
    sides.write("grown", "12345");
    sides.write("newer", "4321");
    let later = SystemTime::now() + Duration::from_secs(100);
    sides.set_modified("newer", later);
    fs::remove_file(sides.local.path().join("gone")).unwrap();
    fs::remove_dir_all(sides.local.path().join("old")).unwrap();
    fs::remove_file(sides.local.path().join("kind")).unwrap();
    sides.write("kind/inside", "5");

    let plan = sides.plan(sides.up()).await;
    let steps: Vec<_> = plan
        .steps
        .iter()
        .map(|step| step.path().to_string())
        .collect();
    assert_eq!(steps, ["grown", "newer"]);
    assert_eq!(plan.left_out.len(), 1, "{:?}", plan.left_out);
    assert_eq!(
        (plan.left_out[0].reason, plan.unchanged),
        (Reason::InTheWay, 1)
    );

    let plan = sides.plan(sides.up().with_delete(true)).await;
    let summary = sides.apply(&plan).await;
    assert_eq!((summary.copied, summary.removed), (3, 4));
    assert_eq!(sides.remote().await, local(sides.local.path()));
    let plan = sides.plan(sides.up().with_delete(true)).await;
    assert!(plan.is_empty(), "{:?}", plan.steps);
}

#[tokio::test]
async fn content_is_compared_when_told() {
    let sides = Sides::new();
    sides.write("a", "1234");
    sides.write("b", "1234");
    let plan = sides.plan(sides.up()).await;
    sides.apply(&plan).await;
    let modified = fs::metadata(sides.local.path().join("a"))
        .unwrap()
        .modified()
        .unwrap();
    sides.write("a", "4321");
    sides.set_modified("a", modified);
    assert!(sides.plan(sides.up()).await.is_empty());
    let plan = sides.plan(sides.up().with_compare(Compare::Content)).await;
    assert_eq!(plan.files(), 1);
    sides.apply(&plan).await;
    assert_eq!(sides.remote().await, local(sides.local.path()));
}

#[tokio::test]
async fn what_is_filtered_is_neither_copied_nor_removed() {
    let sides = Sides::new();
    for name in [
        "a.txt",
        "b.tmp",
        "cache/x.txt",
        "deep/er/c.txt",
        "deep/er/d.bin",
    ] {
        sides.write(name, name);
    }
    sides.write_there(&["mine.tmp", "stale.txt"]).await;
    let filter = Filter::default()
        .including("*.txt")
        .unwrap()
        .excluding("cache/")
        .unwrap();
    let mirror = sides.up().with_filter(filter).with_delete(true);
    let plan = sides.plan(mirror).await;
    sides.apply(&plan).await;
    let names: Vec<_> = sides.remote().await.into_keys().collect();
    assert_eq!(names, ["a.txt", "deep/er/c.txt", "mine.tmp"]);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_removed_when_the_source_could_not_be_listed_whole() {
    let sides = Sides::new();
    // Deeper than is looked: as if it could not be read.
    sides.write("a/b/c", "x");
    sides.write_there(&["other"]).await;
    let mirror = sides.up().with_delete(true).with_max_depth(2);
    let plan = sides.plan(mirror).await;
    assert!(plan.delete_refused && !plan.source_whole);
    assert!(
        !plan
            .steps
            .iter()
            .any(|step| matches!(step, Step::Remove { .. })),
        "{:?}",
        plan.steps
    );
    assert_eq!(plan.left_out[0].reason, Reason::Unreadable);
    let missing = Mirror::download(path("none"), sides.local.path()).with_delete(true);
    let error = missing.plan(&sides.pool).await.unwrap_err();
    assert_eq!(error.kind(), &ftp_connect_core::ErrorKind::NotFound);
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_left_out_or_followed_without_end() {
    use ftp_connect_transfer::mirror::Links;
    use std::os::unix::fs::symlink;
    let sides = Sides::new();
    sides.write("real/file", "x");
    symlink("real", sides.local.path().join("link")).unwrap();
    symlink("..", sides.local.path().join("real/up")).unwrap();
    symlink("nowhere", sides.local.path().join("dead")).unwrap();
    let plan = sides.plan(sides.up()).await;
    assert_eq!((plan.files(), plan.left_out.len()), (1, 3));
    let plan = sides.plan(sides.up().with_links(Links::Follow)).await;
    let copied: Vec<_> = plan
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Copy { .. }))
        .map(|step| step.path().to_string())
        .collect();
    assert_eq!(copied, ["link/file", "real/file"]);
    let plan = sides.plan(sides.up().with_links(Links::Copy)).await;
    let links = plan
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Link { .. }))
        .count();
    assert_eq!(links, 3);

    // The backend in memory has none: each link fails with advice, and what has come there meanwhile stays.
    sides.write_there(&["dead"]).await;
    let summary = plan
        .apply(&sides.pool, &ApplyOptions::default(), &mut |_| {})
        .await
        .unwrap();
    assert_eq!((summary.copied, summary.failures.len()), (1, 3));
    for (_, error) in &summary.failures {
        assert!(
            error.hint().unwrap().contains("--links follow"),
            "{error:?}"
        );
    }
    assert!(sides.remote().await.contains_key("dead"));
}

#[tokio::test]
async fn a_plan_is_applied_once_with_its_journal() {
    let sides = Sides::new();
    for number in 0..30 {
        sides.write(&number.to_string(), "x");
    }
    let plan = sides.plan(sides.up()).await;
    let keep = tempfile::tempdir().unwrap();
    let journal = keep.path().join("journal");
    let options = ApplyOptions::default().with_journal(journal.clone());
    // The observer is asked after each file: dropping there is as a crash.
    let mut copied = 0;
    let stop = tokio::sync::Notify::new();
    {
        let mut observe = |event: &MirrorEvent| {
            if let MirrorEvent::Copied { .. } = event {
                copied += 1;
                if copied == 10 {
                    stop.notify_one();
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.notified() => {}
            _ = plan.apply(&sides.pool, &options, &mut observe) => {}
        }
    }
    let done = fs::read_to_string(&journal).map_or(31, |text| text.lines().count() - 1);
    assert!(done >= 10, "{done}");
    // A crash may cut the last line.
    if let Ok(file) = fs::File::options().append(true).open(&journal) {
        std::io::Write::write_all(&mut &file, b"2").unwrap();
        let summary = plan
            .apply(&sides.pool, &options, &mut |_| {})
            .await
            .unwrap();
        assert_eq!(summary.done_before, done as u64);
        assert_eq!(summary.copied + summary.done_before + summary.folders, 31);
    }
    assert!(!journal.exists());
    assert_eq!(sides.remote().await.len(), 30);
    fs::write(&journal, "another\n1\n").unwrap();
    let error = plan
        .apply(&sides.pool, &options, &mut |_| {})
        .await
        .unwrap_err();
    assert_eq!(error.kind(), &ftp_connect_core::ErrorKind::InvalidParameter);
}

#[test]
fn a_plan_that_leads_elsewhere_is_refused() {
    let plan = |path: &str| {
        format!(
            r#"{{"version":1,"direction":"download","local":"/x","remote":"in","encoding":"UTF-8",
            "steps":[{{"step":"remove","path":"{path}"}}],"unchanged":0,"left_out":[],
            "source_whole":true,"delete_refused":false}}"#
        )
    };
    Plan::from_json(&plan("a/b")).unwrap();
    for bad in ["../x", "a/../../x", "/etc/passwd", "a//b", "."] {
        Plan::from_json(&plan(bad)).unwrap_err();
    }
}
