//! The command line: what can't be used stops the start with one line.

use std::process::{Command, Output};

use tempfile::TempDir;

use crate::support::{Launch, database, postgres};

fn haggle(folder: &TempDir, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haggle"));
    command.current_dir(folder.path()).args(arguments).env_remove("HAGGLE_CONFIG").env("RUST_LOG", "error");
    command.output().unwrap()
}

#[test]
fn a_value_that_cannot_be_used_stops_the_start_with_one_line_and_exit_code_2() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("bad.toml"), "colour = 1").unwrap();
    std::fs::write(folder.path().join("no.pem"), "not a key").unwrap();
    let secret = ["--jwt-secret", "0123456789abcdef0123456789abcdef"];
    let cases: &[&[&str]] = &[
        &["serve"],
        &["serve", "--jwt-secret", "short"],
        &["serve", "--jwks-url", "not an address"],
        &["serve", "--jwt-public-key", "no.pem"],
        &["serve", "--jwt-public-key", "absent.pem"],
        &["serve", "--config", "bad.toml"],
        &["serve", "--config", "absent.toml"],
        &["serve", "--no-such-option"],
        &["serve", secret[0], secret[1], "--bind", "nowhere"],
        &["serve", secret[0], secret[1], "--authorize", "never"],
        #[cfg(not(feature = "postgres"))]
        &["serve", secret[0], secret[1], "--database-url", "postgres://somewhere/haggle"],
        &["serve", secret[0], secret[1], "--nats-url", "nats://127.0.0.1:4222"],
        &["serve", secret[0], secret[1], "--allowed-origin", "https://a.b/path"],
        &["serve", secret[0], secret[1], "--frame-ancestors", "shop.example"],
        &["serve", secret[0], secret[1], "--tls-cert", "no.pem"],
        &["serve", secret[0], secret[1], "--tls-cert", "no.pem", "--tls-key", "no.pem"],
        &["serve", secret[0], secret[1], "--workers", "100000"],
        &["serve", secret[0], secret[1], "--service-key", "short"],
        &["serve", secret[0], secret[1], "--node-name", "no.de"],
        &["serve", secret[0], secret[1], "--trusted-proxies", "0.0.0.0/0"],
        &["serve", secret[0], secret[1], "--jwt-secret-file", "no.pem"],
        &["serve", "--jwt-secret-file", "absent"],
        &["serve", "--jwt-secret-file", "no.pem"],
        &["health", "--bind", "127.0.0.1:0"],
        &["token", "--user", "alice"],
        &["token", "--user", "system", secret[0], secret[1]],
        &["bench", secret[0], secret[1]],
        &["bench", "--url", "http://192.0.2.1:5000"],
        &["bench", "--url", "https://127.0.0.1:5000"],
        &["bench", "--tokens", "absent.tsv"],
        &["bench", "--seconds", "61"],
        &["dance"],
        &[],
    ];
    for arguments in cases {
        let output = haggle(&folder, arguments);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{arguments:?}: {told}");
        assert!(told.starts_with("haggle: "), "{arguments:?}: {told}");
    }
    assert!(!folder.path().join("haggle.db").exists(), "nothing was touched");
}

/// An address of a database with nothing in it, for commands that are to bring it where it should be.
#[test]
fn nodes_need_postgresql_and_the_start_says_so() {
    let folder = TempDir::new().unwrap();
    let options = ["--jwt-secret", "0123456789abcdef0123456789abcdef", "--nats-url", "nats://me:hush@127.0.0.1:4222"];
    let output = haggle(&folder, &[&["serve"], &options[..]].concat());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("haggle: --nats-url connects nodes that share a PostgreSQL database: "), "{told}");
    assert!(!told.contains("hush"), "{told}");
    #[cfg(not(feature = "postgres"))]
    assert!(told.contains("--features postgres"), "{told}");
}

#[test]
fn the_sample_file_is_printed_as_it_is_and_a_server_takes_it() {
    let folder = TempDir::new().unwrap();
    let output = haggle(&folder, &["config"]);
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
    assert_eq!(String::from_utf8(output.stdout.clone()).unwrap(), haggle::internals::config::SAMPLE);
    std::fs::write(folder.path().join("haggle.toml"), output.stdout).unwrap();
    let output = haggle(&folder, &["serve", "--config", "haggle.toml"]);
    // As without a file: one of the ways to check tokens is missing.
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("haggle: no signing key"), "{told}");
}

fn empty_database(folder: &TempDir) -> String {
    if postgres::is_wanted() {
        return postgres::create_empty_database();
    }
    folder.path().join("new.db").display().to_string()
}

#[test]
fn the_import_lines_on_the_page_for_backends_are_good_and_safe_to_repeat() {
    import_lines_of("docs/backend.md", 1);
}

#[test]
fn the_lines_on_the_page_of_the_import_are_good_and_safe_to_repeat() {
    import_lines_of("docs/import.md", 3);
}

/// Imports the lines that a page shows, with this many messages; then again, and with a bad line.
fn import_lines_of(page: &str, messages: usize) {
    let folder = TempDir::new().unwrap();
    let database = empty_database(&folder);
    let page = std::fs::read_to_string(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("{\"type\":")).collect();
    assert!(lines.len() >= 4);
    std::fs::write(folder.path().join("lines.ndjson"), lines.join("\n")).unwrap();
    for told in [messages, 0].map(|count| format!("{count} messages stored")) {
        let output = haggle(&folder, &["import", "--database-url", &database, "lines.ndjson"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains(&told), "{said}");
    }
    std::fs::write(folder.path().join("bad.ndjson"), format!("{}\nnot json\n", lines.join("\n"))).unwrap();
    let output = haggle(&folder, &["import", "--database-url", &database, "bad.ndjson"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("line {}", lines.len() + 1)), "{said}");
}

#[test]
fn an_import_reports_an_unknown_field_once_and_a_time_in_the_future_by_its_line() {
    let folder = TempDir::new().unwrap();
    let database = empty_database(&folder);
    let import = |lines: &[&str]| {
        std::fs::write(folder.path().join("lines.ndjson"), lines.join("\n")).unwrap();
        let output = haggle(&folder, &["import", "--database-url", &database, "lines.ndjson"]);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let mut lines = vec![
        r#"{"type":"user","id":"sam","name":"Sam","age":40}"#,
        r#"{"type":"user","id":"alice","name":"Alice","age":30}"#,
        r#"{"type":"product","id":"bike","sellerId":"sam","title":"A red bike","colour":"red"}"#,
        r#"{"type":"room","id":"r1","productId":"bike","buyerId":"alice","readSeq":{"buyer":1,"seller":0}}"#,
        r#"{"type":"message","roomId":"r1","senderId":"alice","text":"Is it still there?","sentAt":"2025-11-23T09:00:00.000Z"}"#,
    ];
    let (code, said) = import(&lines);
    assert_eq!(code, Some(0), "{said}");
    let warnings: Vec<&str> = said.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(warnings.len(), 2, "{said}");
    assert!(warnings[0].contains("`colour` of 1 product lines"), "{said}");
    assert!(warnings[1].contains("`age` of 2 user lines"), "{said}");

    lines[3] = r#"{"type":"room","id":"r1","productId":"bike","buyerId":"alice","readSeq":{"buyer":2}}"#;
    lines.push(r#"{"type":"message","roomId":"r1","senderId":"sam","text":"!","sentAt":"2999-01-01T00:00:00.000Z"}"#);
    let (code, said) = import(&lines);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("line 4: `readSeq.buyer` is 2, and the room has 1 messages"), "{said}");
    assert!(said.contains("line 6: `sentAt` is in the future"), "{said}");
    let verified = haggle(&folder, &["verify", "--database-url", &database]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn migrate_says_what_it_ran_and_token_prints_a_token() {
    let folder = TempDir::new().unwrap();
    let database = empty_database(&folder);
    let migrate = || String::from_utf8(haggle(&folder, &["migrate", "--database-url", &database]).stdout).unwrap();
    let first = migrate();
    assert!(first.starts_with("ran "), "{first}");
    let second = migrate();
    assert!(second.starts_with("nothing to do"), "{second}");
    let secret = "0123456789abcdef0123456789abcdef";
    let token =
        String::from_utf8(haggle(&folder, &["token", "--user", "alice", "--jwt-secret", secret]).stdout).unwrap();
    assert_eq!(token.trim().split('.').count(), 3, "{token}");
    // It ignores options that a server would refuse to start with.
    let servers = ["--webhook-url", "https://shop.example/hook", "--tls-cert", "cert.pem", "--workers", "100000"];
    let output = haggle(&folder, &[&["token", "--user", "alice", "--jwt-secret", secret], &servers[..]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[actix_web::test]
async fn a_second_server_on_the_same_database_file_is_refused() {
    if database::is_about_sqlite_files() {
        return;
    }
    let server = crate::support::TestServer::start().await;
    let folder = TempDir::new().unwrap();
    let file = server.database_file().display().to_string();
    let secret = "0123456789abcdef0123456789abcdef";
    let second = haggle(&folder, &["serve", "--bind", "127.0.0.1:0", "--jwt-secret", secret, "--database-url", &file]);
    let told = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(1), "{told}");
    assert!(told.contains("another haggle serves this database file"), "{told}");
}

#[test]
fn an_address_that_is_taken_stops_the_start_with_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let folder = TempDir::new().unwrap();
    let output = haggle(&folder, &["serve", "--bind", &address, "--jwt-secret", "0123456789abcdef0123456789abcdef"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.starts_with(&format!("haggle: can't listen on {address}")), "{told}");
}

#[test]
fn a_node_whose_images_the_others_would_not_find_is_warned_of() {
    if !postgres::is_wanted() {
        return;
    }
    // Taken, so that the server ends by itself after it has checked its settings.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (folder, database) = (TempDir::new().unwrap(), postgres::create_empty_database());
    let told = |image_store: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_haggle"));
        command.current_dir(folder.path()).env_remove("HAGGLE_CONFIG").env("RUST_LOG", "warn");
        command.args(["serve", "--bind", &taken.local_addr().unwrap().to_string(), "--database-url", &database]);
        command.args(["--jwt-secret", "0123456789abcdef0123456789abcdef", "--nats-url", "nats://127.0.0.1:1"]);
        String::from_utf8(command.args(image_store).output().unwrap().stderr).unwrap()
    };
    assert!(told(&[]).contains("--image-store is not set"));
    let shared = told(&["--image-store", "shared"]);
    assert!(shared.contains("can't listen") && !shared.contains("--image-store"), "{shared}");
}

#[actix_web::test]
async fn a_secret_comes_from_a_file_too() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("jwt"), "0123456789abcdef0123456789abcdef\n").unwrap();
    std::fs::write(folder.path().join("haggle.toml"), "jwt-secret-file = 'jwt'").unwrap();
    let token = |arguments: &[&str]| {
        let output = haggle(&folder, &[&["token", "--user", "alice"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for arguments in [["--jwt-secret-file", "jwt"], ["--config", "haggle.toml"]] {
        let verifier = haggle::internals::auth::Verifier::hs256(b"0123456789abcdef0123456789abcdef").unwrap();
        let identity = verifier.verify(token(&arguments).trim()).await.unwrap();
        assert_eq!(identity.user.as_str(), "alice");
    }
}

#[actix_web::test]
async fn health_is_the_exit_code_of_a_command() {
    let folder = TempDir::new().unwrap();
    let mut server = crate::support::TestServer::start().await;
    let bind = server.addr.to_string();
    let well = haggle(&folder, &["health", "--bind", &bind]);
    let said = String::from_utf8(well.stdout).unwrap();
    assert!(well.status.success() && said.contains("\"ready\":true"), "{said}");
    server.drain();
    let gone = haggle(&folder, &["health", "--bind", &bind]);
    let told = String::from_utf8(gone.stderr).unwrap();
    assert_eq!((gone.status.code(), told.lines().count()), (Some(1), 1), "{told}");
    assert!(told.contains("no answer from http://127.0.0.1"), "{told}");
}

#[actix_web::test]
async fn a_mistyped_variable_is_warned_of_with_the_nearest_name_and_without_its_value() {
    let launch = Launch::new()
        .env("HAGGLE_SERVICEKEY", "a-value-that-stays-secret")
        .env("HAGGLE_MAX_MESSAGE_BYTE", "100")
        // What Kubernetes sets for a Service that is called haggle.
        .env("HAGGLE_SERVICE_HOST", "10.0.0.1")
        .env("HAGGLE_SERVICE_PORT_HTTP", "80")
        .env("HAGGLE_PORT_80_TCP_ADDR", "10.0.0.1");
    let server = launch.start().await;
    let output = server.output();
    let warned: Vec<&str> = output.lines().filter(|line| line.contains("is not a variable")).collect();
    assert_eq!(warned.len(), 2, "{output}");
    for (name, nearest) in
        [("HAGGLE_SERVICEKEY ", "HAGGLE_SERVICE_KEY"), ("HAGGLE_MAX_MESSAGE_BYTE ", "HAGGLE_MAX_MESSAGE_BYTES")]
    {
        let line = warned.iter().find(|line| line.contains(name)).unwrap();
        assert!(line.contains("WARN") && line.contains(nearest), "{line}");
    }
    assert!(!output.contains("a-value-that-stays-secret"), "{output}");
}

#[actix_web::test]
async fn what_is_stored_is_its_owners_alone_to_read() {
    use std::os::unix::fs::PermissionsExt as _;
    if database::is_about_sqlite_files() {
        return;
    }
    let launch = Launch::new().before("umask 022");
    let folder = launch.folder().to_owned();
    let _server = launch.start().await;
    let mode = |name: &str| std::fs::metadata(folder.join(name)).unwrap().permissions().mode() & 0o777;
    for name in ["haggle.db", "haggle.db-wal", "haggle.db-shm", "haggle.db.lock"] {
        assert_eq!(mode(name), 0o600, "{name}: {:o}", mode(name));
    }
    assert_eq!(mode("haggle.db-images"), 0o700);
}

#[test]
fn the_demos_help_names_the_demos_own_file() {
    let folder = TempDir::new().unwrap();
    let help = String::from_utf8(haggle(&folder, &["demo", "--help"]).stdout).unwrap();
    assert!(help.contains("haggle-demo.db"), "{help}");
}

#[test]
fn a_commands_help_lists_the_options_that_it_reads_and_takes_them_all() {
    let folder = TempDir::new().unwrap();
    let listed = |command: &str| {
        let help = String::from_utf8(haggle(&folder, &[command, "--help"]).stdout).unwrap();
        let options = help.lines().filter_map(|line| line.trim_start().strip_prefix("--")?.split([' ', '\n']).next());
        options.map(ToOwned::to_owned).collect::<Vec<String>>()
    };
    let database = ["database-url", "database-url-file"];
    let signer = ["jwt-secret", "jwt-secret-file", "jwt-issuer", "jwt-audience"];
    let with = |own: &[&'static str], read: &[&'static str]| [own, &["config"], read].concat();
    assert_eq!(listed("token"), with(&["user", "name", "staff", "expires-in"], &signer));
    assert_eq!(listed("migrate"), with(&[], &database));
    assert_eq!(listed("config"), Vec::<String>::new());
    assert_eq!(listed("health"), with(&[], &["bind", "tls-cert"]));
    for command in ["import", "backup", "restore", "verify"] {
        let options = listed(command);
        assert!(
            options.ends_with(&["image-store", "database-url", "database-url-file"].map(String::from)),
            "{options:?}"
        );
    }
    assert!(listed("bench").ends_with(&["service-key", "service-key-file"].map(String::from)));
    let all = listed("serve");
    assert!(all.len() > 40 && listed("demo") == all, "{all:?}");
    // One environment or file serves all commands: what one does not read does not disturb it.
    let secret = "0123456789abcdef0123456789abcdef";
    let taken = haggle(&folder, &["token", "--jwt-secret", secret, "--user", "sam", "--bind", "127.0.0.1:1"]);
    assert!(taken.status.success(), "{taken:?}");
}

#[test]
fn an_import_says_how_many_images_have_no_file_here() {
    let folder = TempDir::new().unwrap();
    let image = |key: &str| {
        format!(
            r#"{{"type":"message","roomId":"r1","senderId":"alice","sentAt":"2025-11-23T09:00:00.000Z","kind":"image","clientId":"{key}","data":{{"key":"{key}.jpg","thumbnailKey":"{key}_thumbnail.jpg","width":1,"height":1,"bytes":1,"contentType":"image/jpeg"}}}}"#
        )
    };
    let lines = [
        r#"{"type":"user","id":"sam","name":"Sam"}"#.to_owned(),
        r#"{"type":"user","id":"alice","name":"Alice"}"#.to_owned(),
        r#"{"type":"product","id":"bike","sellerId":"sam","title":"A red bike"}"#.to_owned(),
        r#"{"type":"room","id":"r1","productId":"bike","buyerId":"alice"}"#.to_owned(),
        image("here"),
        image("gone"),
        image("lost"),
    ];
    std::fs::write(folder.path().join("lines.ndjson"), lines.join("\n")).unwrap();
    let images = folder.path().join("haggle.db-images");
    std::fs::create_dir(&images).unwrap();
    for key in ["here.jpg", "here_thumbnail.jpg", "gone_thumbnail.jpg"] {
        std::fs::write(images.join(key), "x").unwrap();
    }
    for _ in 0..2 {
        let output = haggle(&folder, &["import", "lines.ndjson"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(said.contains("warning: 2 of 3 images have no file in haggle.db-images"), "{said}");
    }
    for key in ["gone.jpg", "lost.jpg", "lost_thumbnail.jpg"] {
        std::fs::write(images.join(key), "x").unwrap();
    }
    let said = String::from_utf8(haggle(&folder, &["import", "lines.ndjson"]).stderr).unwrap();
    assert!(!said.contains("warning"), "{said}");
}

#[actix_web::test]
async fn what_an_editor_adds_to_a_file_changes_nothing() {
    let secret = "0123456789abcdef0123456789abcdef";
    let verifier = haggle::internals::auth::Verifier::hs256(secret.as_bytes()).unwrap();
    let line = r#"{"type":"user","id":"alice","name":"Alice"}"#;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let keys = [key.public_key_pem(), certificate.pem()];
    let second = r#"{"type":"user","id":"sam","name":"Sam"}"#;
    for (mark, end, last) in [("", "\n", "\n"), ("\u{feff}", "\n", ""), ("\u{feff}", "\r\n", "\r\n"), ("", "\r\n", "")]
    {
        let folder = TempDir::new().unwrap();
        let write = |name: &str, lines: &[&str]| {
            std::fs::write(folder.path().join(name), format!("{mark}{}{last}", lines.join(end))).unwrap();
        };
        let case = format!("{mark:?} {end:?} {last:?}");
        write("jwt", &[secret]);
        write("haggle.toml", &["# settings", "jwt-secret-file = 'jwt'", "max-message-bytes = 100"]);
        for arguments in [["--jwt-secret-file", "jwt"], ["--config", "haggle.toml"]] {
            let output = haggle(&folder, &[&["token", "--user", "alice"], &arguments[..]].concat());
            let token = String::from_utf8(output.stdout).unwrap();
            assert!(verifier.verify(token.trim()).await.is_ok(), "{case} {arguments:?}");
        }
        let database = empty_database(&folder);
        write("lines.ndjson", &[line, second]);
        let output = haggle(&folder, &["import", "--database-url", &database, "lines.ndjson"]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && said.contains("2 users"), "{case}: {said}");
        // It gets as far as the address, which is taken: so the key was read.
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let bind = taken.local_addr().unwrap().to_string();
        for pem in &keys {
            write("key.pem", &pem.lines().collect::<Vec<_>>());
            let serve = ["serve", "--bind", &bind, "--jwt-public-key", "key.pem", "--database-url", &database];
            let told = String::from_utf8(haggle(&folder, &serve).stderr).unwrap();
            assert!(told.contains("can't listen"), "{case}: {told}");
        }
    }
}
