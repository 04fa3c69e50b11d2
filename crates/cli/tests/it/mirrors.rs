//! `mirror` and `sync`: both ways, twice, by plan, and what is told of it.

use std::fs;

use crate::{
    site::Site,
    tree::{content, write},
};

const NAMES: [&str; 6] = [
    "a.txt",
    "b/c.txt",
    "b/d/e f.bin",
    "b/d/\u{e4}\u{f6}.txt",
    "tmp/x.tmp",
    "z",
];

#[tokio::test(flavor = "multi_thread")]
async fn both_ways_and_nothing_the_second_time() {
    let site = Site::new().await;
    let here = site.here.path();
    write(&here.join("src"), &NAMES);
    for (scheme, root) in ["ftp", "ftpes", "ftps", "sftp"]
        .into_iter()
        .zip(site.roots())
    {
        let url = site.url(scheme, "/copy/");
        let up = ["mirror", "src", &url, "--json"];
        let dry = site.call(&[&up[..], &["--dry-run"]].concat()).run().well();
        let would = dry.events();
        assert!(
            would.iter().any(|event| event["event"] == "would"),
            "{would:#?}"
        );
        assert!(!root.join("copy").exists(), "a dry run does nothing");

        let end = site.call(&up).run().well().json();
        assert_eq!(
            (&end["copied"], &end["failed"]),
            (&6.into(), &0.into()),
            "{end:#}"
        );
        assert_eq!(content(&root.join("copy")), content(&here.join("src")));
        let end = site.call(&up).run().well().json();
        assert_eq!(
            (&end["copied"], &end["unchanged"]),
            (&0.into(), &6.into()),
            "{scheme}"
        );

        let back = format!("back-{scheme}");
        let down = ["mirror", &url, &back, "--parallel", "2"];
        let said = site.call(&down).run().well();
        assert!(said.stdout.contains("downloaded b/d/e f.bin"), "{said:#?}");
        assert!(said.stdout.contains("downloaded 6 files"), "{said:#?}");
        assert_eq!(content(&here.join(&back)), content(&here.join("src")));
        let said = site.call(&down).run().well();
        assert!(
            said.stdout.contains("downloaded 0 files, 0 B; 6 unchanged"),
            "{said:#?}"
        );

        // What the source has lost goes only where that is said.
        fs::remove_dir_all(root.join("copy/tmp")).unwrap();
        site.call(&down).run().well();
        assert!(here.join(&back).join("tmp/x.tmp").exists());
        let said = site.call(&[&down[..], &["--delete"]].concat()).run().well();
        assert!(said.stdout.contains("2 removed"), "{said:#?}");
        assert!(!here.join(&back).join("tmp").exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_choose_the_files() {
    let site = Site::new().await;
    write(&site.here.path().join("src"), &NAMES);
    let root = site.servers.sftp.root();
    let url = site.url("sftp", "/some");
    let chosen = [
        "--include",
        "*.txt",
        "--exclude",
        "d/",
        "--compare",
        "content",
    ];
    site.call(&[&["mirror", "src", &url][..], &chosen].concat())
        .run()
        .well();
    let names: Vec<_> = content(&root.join("some"))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["a.txt", "b/c.txt"]);
    site.call(&["mirror", &site.url("sftp", "/none"), "there"])
        .run()
        .badly(6, "none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_kept_and_applied() {
    let site = Site::new().await;
    let here = site.here.path();
    write(&here.join("src"), &NAMES);
    let root = site.servers.explicit.root();
    let url = site.url("ftpes", "/planned");
    let said = site.call(&["sync", "plan", "src", &url]).run().well();
    assert_eq!(
        said.json()["steps"].as_array().map(Vec::len),
        Some(10),
        "{said:#?}"
    );
    let plan = ["sync", "plan", "src", &url, "--out", "plan", "--json"];
    let numbers = site.call(&plan).run().well().json();
    assert_eq!(
        (&numbers["files"], &numbers["command"]),
        (&6.into(), &"sync plan".into())
    );
    assert!(!root.join("planned").exists());
    let apply = ["sync", "apply", "plan", &site.url("ftpes", "/"), "--json"];
    let end = site.call(&apply).run().well().json();
    assert_eq!(end["copied"], 6, "{end:#}");
    assert_eq!(content(&root.join("planned")), content(&here.join("src")));
    assert!(!here.join("plan.journal").exists(), "all is done");

    fs::write(here.join("plan"), "{\"version\": 7}").unwrap();
    site.call(&apply).run().badly(2, "plan");
}
