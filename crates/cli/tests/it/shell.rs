//! `shell`, as a script: what it does, and how it ends.

use std::fs;

use crate::{
    site::Site,
    tree::{content, write},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_script_does_its_lines() {
    let site = Site::new().await;
    let here = site.here.path();
    write(here, &["a b.txt", "d/e.txt"]);
    for (scheme, root) in ["ftp", "ftpes", "ftps", "sftp"]
        .into_iter()
        .zip(site.roots())
    {
        write(root, &["in/1.txt", "in/2.txt"]);
        let script = "\
            # a remark\n\
            mkdir -p new/deep\n\
            cd new\n\
            put 'a b.txt'\n\
            put -r d deep/d\n\
            ls -1\n\
            mv a\\ b.txt ../moved.txt\n\
            cd ../in\n\
            lcd OUT\n\
            get *.txt .\n\
            cat 1.txt\n\
            get ../moved.txt back.txt\n\
            rm 1.txt\n\
            cd /\n\
            rm -r in\n\
            pwd\n\
            quit\n\
            rm moved.txt\n";
        let out = here.join(scheme);
        fs::create_dir(&out).unwrap();
        let script = script.replace("OUT", out.to_str().unwrap());
        let said = site
            .call(&["shell", &site.url(scheme, "")])
            .run_with_input(&script);
        let said = said.well();
        assert!(said.stdout.contains("a b.txt\ndeep\n"), "{said:#?}");
        assert!(said.stdout.contains("in/1.txt"), "{said:#?}");
        assert!(said.stdout.ends_with("/\n"), "{said:#?}");
        let names: Vec<_> = content(root).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["moved.txt", "new/deep/d/e.txt"], "{scheme}");
        let names: Vec<_> = content(&out).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["1.txt", "2.txt", "back.txt"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_ends_with_the_line_that_fails() {
    let site = Site::new().await;
    let root = site.servers.sftp.root();
    let url = site.url("sftp", "");
    let call = |script: &str| site.call(&["shell", &url]).run_with_input(script);
    call("cd none\nmkdir later\n").badly(6, "none");
    call("ls 'unclosed\nmkdir later\n").badly(2, "not closed");
    call("sing\nmkdir later\n").badly(2, "cannot be meant");
    call("get none\nmkdir later\n").badly(6, "none");
    assert!(!root.join("later").exists());
    call("help\nmkdir later\n").well();
    assert!(root.join("later").exists());
}
