//! The pages of the example hosts. The tests of `regrant-actix-web` include this file: `Site` is the host on one
//! adapter.

use std::collections::BTreeSet;

use crate::site::Site;

pub(crate) const ORIGIN: &str = "http://127.0.0.1:8080";

const FORM: &str = "application/x-www-form-urlencoded";
const REQUEST: &str = "/authorize?client_id=spa&response_type=code&scope=read&state=xyz\
     &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback\
     &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const DEVICE: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The path of an empty database for a test.
pub(crate) fn file(name: &str) -> String {
    let file = std::env::temp_dir().join(format!("{}-{name}-{}.db", env!("CARGO_PKG_NAME"), std::process::id()));
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", file.display()));
    }
    file.to_str().unwrap().to_owned()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    fn header(&self, wanted: &str) -> &str {
        self.headers.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value)
    }

    fn location(&self) -> &str {
        self.header("location")
    }

    /// The ids of the grants that the page has buttons for.
    fn grants(&self) -> Vec<&str> {
        let values = self.body.split("name=\"grant\" value=\"").skip(1);
        values.filter_map(|rest| rest.split('"').next()).filter(|value| *value != "all").collect()
    }

    /// The target of the link with this text.
    fn link(&self, text: &str) -> Option<String> {
        let before = self.body.split_once(&format!("\">{text}</a>"))?.0;
        Some(before.rsplit_once("href=\"")?.1.replace("&amp;", "&"))
    }
}

/// A browser with one cookie, and the site that it visits.
struct Browser<'a> {
    site: &'a Site,
    cookie: String,
}

impl<'a> Browser<'a> {
    fn at(site: &'a Site) -> Self {
        Self { site, cookie: String::new() }
    }

    async fn signed_in(site: &'a Site, user: &str) -> Self {
        let mut browser = Self::at(site);
        assert_eq!(browser.sign_in("/sign-in", user).await, "/sessions");
        browser
    }

    async fn get(&self, uri: &str) -> Answer {
        let headers = [("cookie", &*self.cookie), ("user-agent", DEVICE)];
        self.site.send("GET", uri, &headers, String::new()).await
    }

    async fn is_signed_in(&self) -> bool {
        self.get("/sessions").await.status == 200
    }

    async fn post(&self, uri: &str, origin: &str, form: &str) -> Answer {
        let headers = [("cookie", &*self.cookie), ("user-agent", DEVICE), ("origin", origin), ("content-type", FORM)];
        self.site.send("POST", uri, &headers, form.to_owned()).await
    }

    /// Signs in at the page with this address, and returns the target of the redirection.
    async fn sign_in(&mut self, page: &str, user: &str) -> String {
        let answer = self.post(page, ORIGIN, &format!("user={user}&password=changeit")).await;
        assert_eq!(answer.status, 303);
        answer.header("set-cookie").split(';').next().unwrap().clone_into(&mut self.cookie);
        answer.location().to_owned()
    }

    /// The form of the consent page, with this decision.
    async fn consent(&self, decision: &str) -> String {
        let page = self.get(REQUEST).await.body;
        let session = page.split_once("name=\"session\" value=\"").unwrap().1.split('"').next().unwrap();
        format!("decision={decision}&session={session}")
    }

    /// Allows the request, and returns the first refresh token.
    async fn allow(&self) -> String {
        let form = self.consent("allow").await;
        self.redeem(&self.post(REQUEST, ORIGIN, &form).await).await
    }

    /// Returns the first refresh token of the code in this redirection.
    async fn redeem(&self, answer: &Answer) -> String {
        let code = answer.location().split_once("?code=").unwrap().1.split('&').next().unwrap();
        let form = format!(
            "client_id=spa&grant_type=authorization_code&code={code}&code_verifier={VERIFIER}\
             &redirect_uri=http%3A%2F%2F127.0.0.1%2Fcallback"
        );
        let tokens = self.post("/oauth2/token", "https://spa.example", &form).await;
        assert_eq!(tokens.status, 200, "{}", tokens.body);
        tokens.body.split_once("\"refresh_token\":\"").unwrap().1.split('"').next().unwrap().to_owned()
    }

    async fn refresh(&self, token: &str) -> Answer {
        let form = format!("client_id=spa&grant_type=refresh_token&refresh_token={token}");
        self.post("/oauth2/token", "https://spa.example", &form).await
    }

    /// The only grant of the signed-in user.
    async fn grant(&self) -> String {
        let page = self.get("/sessions").await;
        let [grant]: [&str; 1] = page.grants().try_into().unwrap();
        grant.to_owned()
    }
}

#[tokio::test]
async fn the_host_signs_in_asks_issues_lists_and_ends() {
    let site = Site::open("life").await;
    let mut browser = Browser::at(&site);
    let page = browser.get(REQUEST).await.location().to_owned();
    let target = browser.sign_in(&page, "demo").await;
    let consent = browser.get(&target).await.body;
    assert!(consent.contains("<b>Photo Album</b> asks for access to the account <b>demo</b>"), "{consent}");
    let token = browser.allow().await;
    let (first, again) = (browser.refresh(&token).await, browser.refresh(&token).await);
    let tokens = |answer: &Answer| {
        answer.body.split(',').filter(|part| part.contains("token\"")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(tokens(&first), tokens(&again), "a retry gets the same tokens");

    let grant = browser.grant().await;
    let ended = browser.post("/sessions", ORIGIN, &format!("grant={grant}")).await;
    assert_eq!((ended.status, ended.location()), (303, "/sessions?done=1"));
    let page = browser.get("/sessions?done=1").await.body;
    assert!(page.contains("The access has ended.") && page.contains("No app has access to your account."), "{page}");
    assert_eq!(browser.refresh(&token).await.status, 400);
}

#[tokio::test]
async fn the_list_names_app_device_time_and_permissions_in_words() {
    let site = Site::open("words").await;
    let browser = Browser::signed_in(&site, "demo").await;
    browser.allow().await;
    let page = browser.get("/sessions").await.body;
    assert!(page.contains("<b>Photo Album</b> on Firefox on Linux"), "{page}");
    assert!(page.contains("Last used <time datetime=\"2"), "{page}");
    assert!(page.contains(">just now</time>") && page.contains("<li>See your photos</li>"), "{page}");
    assert!(page.contains("Allowed in this session"), "{page}");
    let elsewhere = Browser::signed_in(&site, "demo").await.get("/sessions").await.body;
    assert!(!elsewhere.contains("Allowed in this session"), "{elsewhere}");
}

#[tokio::test]
async fn forms_of_another_site_do_nothing() {
    let site = Site::open("forgery").await;
    let (browser, admin) = (Browser::signed_in(&site, "demo").await, Browser::signed_in(&site, "admin").await);
    let token = browser.allow().await;
    let grant = browser.grant().await;
    let allow = browser.consent("allow").await;
    for origin in ["https://evil.example", "null", ""] {
        let page = browser.post(REQUEST, origin, &allow).await;
        assert_eq!(page.status, 200, "the page asks again");
        for form in ["grant=all".to_owned(), format!("grant={grant}")] {
            browser.post("/sessions", origin, &form).await;
            admin.post("/admin?user=demo", origin, &form).await;
        }
        assert_eq!(browser.post("/sign-in", origin, "user=demo&password=changeit").await.status, 403);
    }
    assert_eq!(browser.refresh(&token).await.status, 200);
    assert!(admin.get("/admin").await.body.contains("Nobody has ended anything."));
}

#[tokio::test]
async fn a_wrong_name_or_password_and_another_target_lead_nowhere() {
    let site = Site::open("password").await;
    let browser = Browser::at(&site);
    let [wrong, unknown] = ["user=demo&password=guess", "user=nobody&password=changeit"];
    let (wrong, unknown) =
        (browser.post("/sign-in", ORIGIN, wrong).await, browser.post("/sign-in", ORIGIN, unknown).await);
    assert_eq!((wrong.status, unknown.status), (403, 403));
    assert_eq!(wrong.body, unknown.body, "the page does not tell which names exist");
    let query = "/sign-in?then=https%3A%2F%2Fevil.example";
    let answer = browser.post(query, ORIGIN, "user=demo&password=changeit").await;
    assert_eq!(answer.location(), "/sessions");
}

#[tokio::test]
async fn prompt_login_asks_once_and_prompt_none_never() {
    let site = Site::open("prompt").await;
    let mut browser = Browser::signed_in(&site, "demo").await;
    let silent = browser.get(&format!("{REQUEST}&prompt=none")).await;
    assert!(silent.location().contains("error=consent_required"), "{}", silent.location());
    let login = browser.get(&format!("{REQUEST}&prompt=login")).await.location().to_owned();
    assert!(login.starts_with("/sign-in?"), "{login}");
    let target = browser.sign_in(&login, "demo").await;
    assert_eq!(browser.get(&target).await.status, 200, "the user has just signed in");
}

#[tokio::test]
async fn the_page_that_asks_ends_nothing() {
    let site = Site::open("ask").await;
    let browser = Browser::signed_in(&site, "demo").await;
    let token = browser.allow().await;
    let grant = browser.grant().await;
    for (value, text) in [(&*grant, "Photo Album"), ("all", "all browsers are signed out")] {
        let page = browser.get(&format!("/sessions/end?grant={value}")).await;
        assert!(page.body.contains(text) && page.body.contains("This cannot be undone."), "{}", page.body);
        assert!(page.body.contains(&format!("value=\"{value}\"")), "{}", page.body);
        assert_eq!(page.link("Cancel").as_deref(), Some("/sessions"));
    }
    assert_eq!(browser.refresh(&token).await.status, 200);
}

#[tokio::test]
async fn nothing_of_another_users_grant_is_shown_or_ended() {
    let site = Site::open("owner").await;
    let (browser, other) = (Browser::signed_in(&site, "demo").await, Browser::signed_in(&site, "admin").await);
    let token = browser.allow().await;
    let grant = browser.grant().await;
    assert!(other.get("/sessions").await.grants().is_empty());
    // The same answer as for a grant that does not exist.
    for id in [&*grant, "BwcHBwcHBwcHBwcHBwcHBw", "no-id"] {
        let asked = other.get(&format!("/sessions/end?grant={id}")).await;
        assert_eq!((asked.status, asked.location()), (303, "/sessions"));
        let ended = other.post("/sessions", ORIGIN, &format!("grant={id}")).await;
        assert_eq!((ended.status, ended.location()), (303, "/sessions?done=1"));
    }
    assert_eq!(browser.refresh(&token).await.status, 200);
}

#[tokio::test]
async fn signing_out_everywhere_ends_all_grants_and_all_sessions_of_the_user_alone() {
    let site = Site::open("everywhere").await;
    let (first, second) = (Browser::signed_in(&site, "demo").await, Browser::signed_in(&site, "demo").await);
    let other = Browser::signed_in(&site, "admin").await;
    let (mine, hers) = ([first.allow().await, second.allow().await], other.allow().await);
    first.post("/sessions", ORIGIN, "grant=all").await;
    for (browser, token) in [(&first, &mine[0]), (&second, &mine[1])] {
        assert_eq!(browser.get("/sessions").await.location(), "/sign-in");
        assert_eq!(browser.refresh(token).await.status, 400);
    }
    assert_eq!(other.refresh(&hers).await.status, 200);
    assert_eq!(other.get("/sessions").await.grants().len(), 1);
}

#[tokio::test]
async fn pages_follow_each_other_without_a_grant_missing_or_twice() {
    let site = Site::open("paging").await;
    let (browser, admin) = (Browser::signed_in(&site, "demo").await, Browser::signed_in(&site, "admin").await);
    for _ in 0..52 {
        browser.allow().await;
    }
    // A cursor only says where to begin in the list of the owner.
    for cursor in ["no-id", "%00", "_____________________w"] {
        assert!(admin.get(&format!("/sessions?after={cursor}")).await.grants().is_empty(), "{cursor}");
    }
    for (visitor, first) in [(&browser, "/sessions"), (&admin, "/admin?user=demo"), (&admin, "/admin?client=spa")] {
        let (mut seen, mut sizes, mut next) = (BTreeSet::new(), Vec::new(), Some(first.to_owned()));
        while let Some(uri) = next {
            let page = visitor.get(&uri).await;
            sizes.push(page.grants().len());
            seen.extend(page.grants().into_iter().map(str::to_owned));
            next = page.link("Next page");
        }
        assert_eq!((seen.len(), sizes), (52, vec![50, 2]), "{first}");
    }
    // A page whose grants have all ended is no reason to say that there is none.
    let first = browser.get("/sessions").await;
    for grant in first.grants() {
        browser.post("/sessions", ORIGIN, &format!("grant={grant}")).await;
    }
    assert_eq!(browser.get("/sessions").await.grants().len(), 2);
}

#[tokio::test]
async fn only_administrators_see_the_page_of_administrators_and_end_there() {
    let site = Site::open("role").await;
    let browser = Browser::signed_in(&site, "demo").await;
    let token = browser.allow().await;
    let grant = browser.grant().await;
    for uri in ["/admin".to_owned(), "/admin?user=demo".to_owned(), format!("/admin/end?grant={grant}")] {
        assert_eq!(Browser::at(&site).get(&uri).await.location(), "/sign-in");
        let refused = browser.get(&uri).await;
        assert_eq!(refused.status, 403);
        assert!(!refused.body.contains(&grant), "{}", refused.body);
    }
    for form in ["grant=all".to_owned(), format!("grant={grant}")] {
        assert_eq!(Browser::at(&site).post("/admin?user=demo", ORIGIN, &form).await.location(), "/sign-in");
        assert_eq!(browser.post("/admin?user=demo", ORIGIN, &form).await.status, 403);
    }
    assert_eq!(browser.refresh(&token).await.status, 200);
    assert!(Browser::signed_in(&site, "admin").await.get("/admin").await.body.contains("Nobody has ended anything."));
}

#[tokio::test]
async fn an_administrator_finds_a_grant_by_user_client_and_id_and_ends_it_on_record() {
    let site = Site::open("search").await;
    let (browser, admin) = (Browser::signed_in(&site, "demo").await, Browser::signed_in(&site, "admin").await);
    let (token, other) = (browser.allow().await, admin.allow().await);
    let grant = browser.grant().await;
    for (query, count) in [("user=demo", 1), ("client=spa", 2), ("user=demo&client=spa", 1), ("user=nobody", 0)] {
        assert_eq!(admin.get(&format!("/admin?{query}")).await.grants().len(), count, "{query}");
    }
    // A form sends its empty fields too.
    let query = format!("user=&client=&id={grant}");
    assert_eq!(admin.get(&format!("/admin?{query}")).await.grants(), [&*grant]);
    // A name that cannot exist must not widen the search to all grants of the user.
    assert!(admin.get("/admin?user=demo&client=%00").await.grants().is_empty());

    let asked = admin.get(&format!("/admin/end?{query}&grant={grant}")).await;
    assert!(asked.body.contains("This cannot be undone."), "{}", asked.body);
    assert_eq!(browser.refresh(&token).await.status, 200, "the page has only asked");
    let ended = admin.post(&format!("/admin?{query}"), ORIGIN, &format!("grant={grant}")).await;
    assert_eq!(ended.status, 303);
    let page = admin.get(ended.location()).await.body;
    assert!(page.contains("The access has ended."), "{page}");
    assert!(page.contains(&format!("<b>admin</b> ends grant {grant} of demo at spa")), "{page}");
    assert_eq!(browser.refresh(&token).await.status, 400);
    assert_eq!(admin.refresh(&other).await.status, 200);

    // Nothing is alive there any more, so nobody ends anything.
    admin.post("/admin", ORIGIN, &format!("grant={grant}")).await;
    assert_eq!(admin.get("/admin").await.body.matches("ends grant").count(), 1);
}

#[tokio::test]
async fn an_administrator_ends_all_access_of_a_user_whose_browsers_are_signed_out() {
    let site = Site::open("all").await;
    let (browser, admin) = (Browser::signed_in(&site, "demo").await, Browser::signed_in(&site, "admin").await);
    let tokens = [browser.allow().await, browser.allow().await];
    let asked = admin.get("/admin/end?user=demo&grant=all").await;
    assert!(asked.body.contains("End all access of demo?"), "{}", asked.body);
    admin.post("/admin?user=demo", ORIGIN, "grant=all").await;
    for token in &tokens {
        assert_eq!(browser.refresh(token).await.status, 400);
    }
    assert_eq!(browser.get("/sessions").await.location(), "/sign-in");
    let page = admin.get("/admin").await.body;
    assert!(page.contains("<b>admin</b> ends all access of demo"), "{page}");
}

#[tokio::test]
async fn no_page_runs_anything_but_the_files_of_the_host() {
    let site = Site::open("policy").await;
    let admin = Browser::signed_in(&site, "admin").await;
    admin.allow().await;
    let grant = admin.grant().await;
    let uris = [
        "/sign-in",
        "/nowhere",
        "/authorize?client_id=nobody",
        REQUEST,
        "/sessions",
        "/admin?user=admin",
        &format!("/sessions/end?grant={grant}"),
    ];
    for uri in uris {
        let page = admin.get(uri).await;
        assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"), "{uri}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{uri}");
        assert_eq!(page.header("cache-control"), "no-store", "{uri}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{uri}");
        for inline in ["<style", "style=", "onclick=", "<script>"] {
            assert!(!page.body.contains(inline), "{inline} at {uri}: {}", page.body);
        }
    }
    for (uri, kind) in [("/host.css", "text/css; charset=utf-8"), ("/host.js", "text/javascript; charset=utf-8")] {
        assert_eq!(admin.get(uri).await.header("content-type"), kind);
    }
}

#[tokio::test]
async fn a_sign_in_makes_a_new_secret_and_ends_the_former_session() {
    let site = Site::open("fixation").await;
    let mut browser = Browser { site: &site, cookie: "session=0123456789abcdef0123456789abcdef".to_owned() };
    assert!(!browser.is_signed_in().await, "a secret that nobody has made");
    let form = "user=demo&password=changeit";
    let answer = browser.post("/sign-in", ORIGIN, form).await;
    let (cookie, attributes) = answer.header("set-cookie").split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Path=/");
    assert_ne!(cookie, browser.cookie);
    assert!(!browser.is_signed_in().await, "the secret of the attacker is worth nothing");
    browser.cookie = cookie.to_owned();
    assert!(browser.is_signed_in().await);

    browser.post("/sign-in", ORIGIN, form).await;
    assert!(!browser.is_signed_in().await, "the browser has another cookie now");
}

#[tokio::test]
async fn signing_out_ends_the_session_of_this_browser_alone() {
    let site = Site::open("sign-out").await;
    let (browser, other) = (Browser::signed_in(&site, "demo").await, Browser::signed_in(&site, "demo").await);
    let token = browser.allow().await;
    for origin in ["https://evil.example", "null", ""] {
        browser.post("/sign-out", origin, "").await;
        assert!(browser.is_signed_in().await, "{origin}");
    }
    let answer = browser.post("/sign-out", ORIGIN, "").await;
    assert_eq!(answer.header("set-cookie"), "session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    assert!(!browser.is_signed_in().await && other.is_signed_in().await);
    assert_eq!(browser.refresh(&token).await.status, 200, "the app keeps its access");
}

// RFC 9113 section 8.2.3.
#[tokio::test]
async fn a_cookie_counts_in_each_header_field() {
    let site = Site::open("cookies").await;
    let browser = Browser::signed_in(&site, "demo").await;
    let headers = [("cookie", "theme=dark; other=1"), ("cookie", &*browser.cookie)];
    assert_eq!(site.send("GET", "/sessions", &headers, String::new()).await.status, 200);
}

#[tokio::test]
async fn guesses_of_passwords_are_slowed_down() {
    let site = Site::open("guesses").await;
    let browser = Browser::at(&site);
    for _ in 0..10 {
        assert_eq!(browser.post("/sign-in", ORIGIN, "user=demo&password=guess").await.status, 403);
    }
    let right = browser.post("/sign-in", ORIGIN, "user=demo&password=changeit").await;
    assert_eq!((right.status, right.header("set-cookie")), (429, ""));
}

#[tokio::test]
async fn no_text_of_a_stranger_becomes_part_of_a_page() {
    let site = Site::open("markup").await;
    let admin = Browser::signed_in(&site, "admin").await;
    let markup = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let uris = [
        format!("/sign-in?client_id={markup}&state={markup}"),
        format!("/authorize?client_id={markup}"),
        format!("{REQUEST}&state2={markup}"),
        format!("/admin?user={markup}&client={markup}&after={markup}"),
        format!("/admin?id={markup}"),
        format!("/admin/end?user={markup}&grant=all"),
        format!("/sessions/end?grant={markup}"),
        format!("/{markup}"),
    ];
    for uri in uris {
        let body = admin.get(&uri).await.body;
        assert!(!body.contains("<script>"), "{uri}: {body}");
    }
    let agent = "<script>alert(1)</script> Firefox/1 Linux";
    let headers = [("cookie", &*admin.cookie), ("user-agent", agent), ("origin", ORIGIN), ("content-type", FORM)];
    let answer = site.send("POST", REQUEST, &headers, admin.consent("allow").await).await;
    admin.redeem(&answer).await;
    let page = admin.get("/sessions").await.body;
    assert!(page.contains("</b> on Firefox on Linux") && !page.contains("alert(1)"), "{page}");
}

#[tokio::test]
async fn a_user_takes_another_account() {
    let site = Site::open("another").await;
    let mut browser = Browser::signed_in(&site, "demo").await;
    let consent = browser.get(REQUEST).await;
    assert!(consent.body.contains("Then your browser goes to <b>http://127.0.0.1</b>."), "{}", consent.body);
    let sign_in = browser.get(&consent.link("Use another account").unwrap()).await.location().to_owned();
    assert!(sign_in.starts_with("/sign-in?"), "{sign_in}");
    let target = browser.sign_in(&sign_in, "admin").await;
    let consent = browser.get(&target).await.body;
    assert!(consent.contains("the account <b>admin</b>"), "{consent}");
}

#[tokio::test]
async fn a_decision_counts_for_the_account_on_the_page_alone() {
    let site = Site::open("tabs").await;
    let mut browser = Browser::signed_in(&site, "demo").await;
    let allow = browser.consent("allow").await;
    browser.sign_in("/sign-in", "admin").await;
    for form in [&*allow, "decision=allow", "decision=deny"] {
        let page = browser.post(REQUEST, ORIGIN, form).await;
        assert_eq!(page.status, 200, "the page asks again");
        assert!(page.body.contains("the account <b>admin</b>"), "{}", page.body);
    }
    assert!(browser.get("/sessions").await.grants().is_empty());
}
