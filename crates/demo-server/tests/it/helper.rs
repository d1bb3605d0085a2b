use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::sleep;
use std::time::Duration;

pub(crate) use fixtures::{CHALLENGE, VERIFIER, form as encoded};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

pub(crate) const CALLBACK: &str = "https://www.example.com:443/callback";

/// The credentials of the built-in client.
pub(crate) const MY_CLIENT: [(&str, &str); 2] = [("client_id", "myClient"), ("client_secret", "forgerock")];

/// A running server. It is killed when the test ends, in any way.
pub(crate) struct Server {
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
    agent: Agent,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let log = scratch_file("log");
        let mut child =
            command(arguments).stdout(Stdio::piped()).stderr(Stdio::from(File::create(&log).unwrap())).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim_end().strip_prefix("listening on ").map(str::to_owned);
        let agent =
            Agent::config_builder().http_status_as_error(false).max_redirects(0).max_redirects_will_error(false);
        let server = Self { child, url: url.clone().unwrap_or_default(), log, agent: agent.build().into() };
        assert!(url.is_some(), "not ready: {line:?} {}", server.log());
        server
    }

    /// Starts the built-in configuration, with a clock that tests move.
    pub(crate) fn with_manual_clock() -> Self {
        Self::start(&["--manual-clock"])
    }

    pub(crate) fn with_config(config: &str) -> Self {
        let file = config_file(config);
        Self::start(&["--manual-clock", "--config", file.to_str().unwrap()])
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    /// Stops the server by a signal, as an operator does. Returns its exit code.
    pub(crate) fn signal(&mut self, signal: &str) -> Option<i32> {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        for _ in 0..1000 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            sleep(Duration::from_millis(10));
        }
        None
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path)
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&'static str, String)]) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        Answer::of(request.call().unwrap())
    }

    /// A request without a body.
    pub(crate) fn send(&self, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url)).body(()).unwrap();
        Answer::of(self.agent.run(request).unwrap())
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send(body).unwrap())
    }

    pub(crate) fn form(&self, path: &str, parameters: &[(&str, &str)]) -> Answer {
        self.post(path, &[("content-type", "application/x-www-form-urlencoded")], &encoded(parameters))
    }

    /// A request to the token endpoint from the client of `credentials`.
    pub(crate) fn token(&self, credentials: &[(&str, &str)], parameters: &[(&str, &str)]) -> Answer {
        self.form("/oauth2/access_token", &[credentials, parameters].concat())
    }

    pub(crate) fn refresh(&self, refresh_token: &str) -> Answer {
        self.token(&MY_CLIENT, &[("grant_type", "refresh_token"), ("refresh_token", refresh_token)])
    }

    pub(crate) fn introspect(&self, token: &str) -> Value {
        let answer = self.form("/oauth2/introspect", &[&MY_CLIENT[..], &[("token", token)]].concat());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    pub(crate) fn authenticate(&self, username: &str, password: &str) -> Answer {
        self.post("/json/authenticate", &[("x-openam-username", username), ("x-openam-password", password)], "")
    }

    /// Signs `demo` in and returns the id of the session.
    pub(crate) fn sign_in(&self) -> String {
        self.authenticate("demo", "changeit").text("tokenId")
    }

    /// The consent of the user of the session, with the parameters of the walk-through unless `parameters` has others.
    pub(crate) fn authorize(&self, session: &str, parameters: &[(&str, &str)]) -> Answer {
        let usual = [
            ("csrf", session),
            ("response_type", "code"),
            ("client_id", "myClient"),
            ("redirect_uri", CALLBACK),
            ("decision", "allow"),
        ];
        let usual = usual.into_iter().filter(|(name, _)| parameters.iter().all(|(own, _)| own != name));
        let parameters: Vec<_> = usual.chain(parameters.iter().copied()).collect();
        form_with_cookie(self, "/oauth2/authorize", session, &parameters)
    }

    /// The first tokens of `demo` for the built-in client.
    pub(crate) fn first_tokens(&self) -> Answer {
        let code = self.authorize(&self.sign_in(), &[]).redirected("code");
        let redemption = [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", CALLBACK)];
        let tokens = self.token(&MY_CLIENT, &redemption);
        assert_eq!(tokens.status, 200, "{tokens:?}");
        tokens
    }

    pub(crate) fn advance(&self, span: &str) {
        assert_eq!(self.form("/dev/clock", &[("advance", span)]).status, 200);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let text = |value: &ureq::http::HeaderValue| value.to_str().unwrap().to_owned();
        Self {
            status: response.status().as_u16(),
            headers: response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(own, _)| own == name).map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The text member of the JSON body.
    pub(crate) fn text(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_else(|| panic!("no {member}: {self:?}")).to_owned()
    }

    /// Status and `error` of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        (self.status, self.text("error"))
    }

    /// The decoded parameters of the redirection.
    pub(crate) fn location(&self) -> Vec<(String, String)> {
        assert_eq!(self.status, 303, "{self:?}");
        let (_, query) = self.header("location").split_once('?').unwrap();
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// One parameter of the redirection.
    pub(crate) fn redirected(&self, parameter: &str) -> String {
        let found = self.location().into_iter().find(|(name, _)| name == parameter);
        found.unwrap_or_else(|| panic!("no {parameter}: {self:?}")).1
    }
}

/// Sends a form with the cookie of the session.
pub(crate) fn form_with_cookie(server: &Server, path: &str, session: &str, parameters: &[(&str, &str)]) -> Answer {
    let cookie = format!("theme=dark; iPlanetDirectoryPro={session}");
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("cookie", &cookie)];
    server.post(path, &headers, &encoded(parameters))
}

/// Runs the server until it exits. One that starts is stopped, so that the test fails and does not wait.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let mut process = command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(process.stdout.take().unwrap());
    let mut stdout = Vec::new();
    output.read_until(b'\n', &mut stdout).unwrap();
    // A server that starts although it must not would run for ever.
    if stdout.starts_with(b"listening on") {
        process.kill().unwrap();
    }
    output.read_to_end(&mut stdout).unwrap();
    Output { stdout, ..process.wait_with_output().unwrap() }
}

/// Runs a command of an operator to its end, with `input` on the standard input, which is no terminal.
pub(crate) fn operate(arguments: &[&str], input: &str) -> Output {
    let mut command = command(arguments);
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    // A command that refuses its arguments ends without reading.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    process.wait_with_output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_demo-server"));
    let is_server = arguments.first().is_none_or(|first| first.starts_with("--"));
    if is_server && !arguments.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    // No test opens a browser: the server finds no program that could.
    command.args(arguments).env("PATH", "/nowhere");
    command
}

pub(crate) fn config_file(text: &str) -> PathBuf {
    let file = scratch_file("toml");
    fs::write(&file, text).unwrap();
    file
}

fn scratch_file(extension: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-server-{}-{number}.{extension}", std::process::id()))
}
