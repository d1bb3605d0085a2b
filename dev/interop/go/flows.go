// golang.org/x/oauth2 and coreos/go-oidc, the clients of programs in Go, as Debian packages them.
package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"time"

	oidc "github.com/coreos/go-oidc"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	webCallback    = "https://client.example/callback"
	nativeCallback = "http://127.0.0.1/callback"
)

var issuer = os.Args[2]

func main() {
	web := oauth2.Config{ClientID: "web", ClientSecret: "web-secret", RedirectURL: webCallback}
	post := oauth2.Config{ClientID: "web-post", ClientSecret: "web-post-secret", RedirectURL: webCallback}
	native := oauth2.Config{ClientID: "native", RedirectURL: nativeCallback}
	switch flow := os.Args[1]; flow {
	// The library tries Basic first, and the body with the same code after the refusal.
	case "lifecycle":
		lifecycle(web, 1)
	case "client_secret_post":
		lifecycle(post, 2)
	case "public_client":
		lifecycle(native, 2)
	case "client_credentials":
		clientCredentials()
	case "session":
		session()
	default:
		panic("no flow " + flow)
	}
}

func lifecycle(config oauth2.Config, requests int) {
	ctx, _ := discover(&config)
	config.Scopes = []string{"read", "write"}
	count := 0
	first := signIn(ctx, config, "", &count)
	must(first.RefreshToken != "" && first.Extra("scope") == "read write", "tokens of the scope")
	must(count == requests, "%d requests for the code, expected %d", count, requests)
	ok("the method of authentication is found, and a refused request does not consume the code")
	second := refreshWithLostResponse(ctx, config, first)

	current := second
	for i := 0; i < 5; i++ {
		next := refresh(ctx, config, current)
		must(next.RefreshToken != current.RefreshToken, "rotation")
		current = next
	}
	ok("the token source keeps the rotated refresh token")

	revoke(config, current)
	mustEnd(ctx, config, current)
	ok("a revoked refresh token is an error with the answer of the server")
}

func clientCredentials() {
	config := oauth2.Config{}
	ctx, _ := discover(&config)
	service := clientcredentials.Config{
		ClientID: "service", ClientSecret: "service-secret", TokenURL: config.Endpoint.TokenURL, Scopes: []string{"read"},
	}
	token := try(service.Token(ctx))
	must(token.RefreshToken == "" && token.Extra("scope") == "read", "an access token alone")
	ok("client_credentials give an access token alone")
}

func session() {
	config := oauth2.Config{ClientID: "rp", ClientSecret: "rp-secret-of-more-than-16-characters", RedirectURL: webCallback}
	ctx, provider := discover(&config)
	config.Scopes = []string{oidc.ScopeOpenID, oidc.ScopeOfflineAccess, "profile", "email", "read"}
	verifier := provider.Verifier(&oidc.Config{ClientID: config.ClientID})
	first := signIn(ctx, config, "the-nonce", new(int))
	signedIn := verify(ctx, verifier, first)
	must(signedIn.Subject == "demo" && signedIn.Nonce == "the-nonce", "subject and nonce")
	ok("the id_token verifies by default: RS256, nonce, at_hash")

	info := try(provider.UserInfo(ctx, config.TokenSource(ctx, first)))
	must(info.Subject == "demo", "userinfo of %s", info.Subject)
	ok("userinfo names the subject")

	second := refreshWithLostResponse(ctx, config, first)
	refreshed := verify(ctx, verifier, second)
	must(refreshed.Subject == "demo" && refreshed.Nonce == "", "a refreshed id_token has no nonce")
	ok("a refresh gives another id_token")

	var metadata struct {
		EndSession string `json:"end_session_endpoint"`
	}
	check(provider.Claims(&metadata))
	end := metadata.EndSession + "?" + url.Values{
		"id_token_hint":            {second.Extra("id_token").(string)},
		"post_logout_redirect_uri": {"https://client.example/bye"},
		"state":                    {"bye"},
	}.Encode()
	response := try(noRedirect.Get(end))
	response.Body.Close()
	location := response.Header.Get("location")
	must(location == "https://client.example/bye?state=bye", "log-out: %s %s", response.Status, location)
	mustEnd(ctx, config, second)
	ok("log-out at the server ends the refresh token")
}

// Learns the endpoints of the server. The context carries the HTTP client for both libraries.
func discover(config *oauth2.Config) (context.Context, *oidc.Provider) {
	ctx := context.Background()
	provider := try(oidc.NewProvider(ctx, issuer))
	config.Endpoint = provider.Endpoint()
	must(config.Endpoint.AuthStyle == oauth2.AuthStyleAutoDetect, "the library detects the method")
	return ctx, provider
}

// Code and PKCE. Adds the requests to the token endpoint to count.
func signIn(ctx context.Context, config oauth2.Config, nonce string, count *int) *oauth2.Token {
	verifier, state := random(), random()
	hash := sha256.Sum256([]byte(verifier))
	options := []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("code_challenge", base64.RawURLEncoding.EncodeToString(hash[:])),
		oauth2.SetAuthURLParam("code_challenge_method", "S256"),
	}
	if nonce != "" {
		options = append(options, oidc.Nonce(nonce))
	}
	answer := try(url.Parse(user("allow", config.AuthCodeURL(state, options...)))).Query()
	must(answer.Get("state") == state && answer.Get("iss") == issuer, "state and iss of the answer")

	counting := &http.Client{Transport: counter{count}}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, counting)
	token := try(config.Exchange(ctx, answer.Get("code"), oauth2.SetAuthURLParam("code_verifier", verifier)))
	must(token.Valid(), "a valid token")
	ok("code and PKCE give tokens")
	return token
}

func refresh(ctx context.Context, config oauth2.Config, token *oauth2.Token) *oauth2.Token {
	return try(source(ctx, config, token).Token())
}

// A token source whose access token has expired.
func source(ctx context.Context, config oauth2.Config, token *oauth2.Token) oauth2.TokenSource {
	spent := *token
	spent.Expiry = time.Now().Add(-time.Minute)
	return config.TokenSource(ctx, &spent)
}

func refreshWithLostResponse(ctx context.Context, config oauth2.Config, token *oauth2.Token) *oauth2.Token {
	tokens := source(ctx, config, token)
	try(http.Post(issuer+"/proxy/lose", "", nil)).Body.Close()
	_, err := tokens.Token()
	var refused *oauth2.RetrieveError
	must(err != nil && !errors.As(err, &refused), "a lost response is no refusal: %v", err)
	// The answer that was lost is the one to the same request now.
	first := try(tokens.Token())
	again := refresh(ctx, config, token)
	must(first.RefreshToken != token.RefreshToken, "rotation")
	must(first.AccessToken == again.AccessToken && first.RefreshToken == again.RefreshToken, "the same answer")
	ok("a lost response is answered again with the same tokens")
	return first
}

func verify(ctx context.Context, verifier *oidc.IDTokenVerifier, token *oauth2.Token) *oidc.IDToken {
	idToken := try(verifier.Verify(ctx, token.Extra("id_token").(string)))
	check(idToken.VerifyAccessToken(token.AccessToken))
	return idToken
}

// The library has no revocation.
func revoke(config oauth2.Config, token *oauth2.Token) {
	form := url.Values{"token": {token.RefreshToken}, "client_id": {config.ClientID}}
	if config.ClientSecret != "" && config.ClientID != "web" {
		form.Set("client_secret", config.ClientSecret)
	}
	request := try(http.NewRequest("POST", issuer+"/oauth2/token/revoke", strings.NewReader(form.Encode())))
	request.Header.Set("content-type", "application/x-www-form-urlencoded")
	if config.ClientID == "web" {
		request.SetBasicAuth(config.ClientID, config.ClientSecret)
	}
	response := try(http.DefaultClient.Do(request))
	response.Body.Close()
	must(response.StatusCode == 200, "revocation: %s", response.Status)
}

func mustEnd(ctx context.Context, config oauth2.Config, token *oauth2.Token) {
	_, err := source(ctx, config, token).Token()
	var refused *oauth2.RetrieveError
	must(errors.As(err, &refused) && strings.Contains(string(refused.Body), `"invalid_grant"`), "refused: %v", err)
}

// Counts the requests.
type counter struct{ count *int }

func (c counter) RoundTrip(request *http.Request) (*http.Response, error) {
	*c.count++
	return http.DefaultTransport.RoundTrip(request)
}

var noRedirect = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func user(arguments ...string) string {
	command := exec.Command(os.Getenv("NODE"), append([]string{os.Getenv("USER_PROGRAM")}, arguments...)...)
	command.Stderr = os.Stderr
	return strings.TrimSpace(string(try(command.Output())))
}

func random() string {
	bytes := make([]byte, 32)
	try(io.ReadFull(rand.Reader, bytes))
	return base64.RawURLEncoding.EncodeToString(bytes)
}

func try[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must(holds bool, format string, arguments ...any) {
	if !holds {
		panic(fmt.Sprintf(format, arguments...))
	}
}

func ok(claim string) { fmt.Println("ok:", claim) }
