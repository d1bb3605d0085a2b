// google-oauth-client, the client of Google's and other programs in Java, as Debian packages it.

import com.google.api.client.auth.oauth2.AuthorizationCodeFlow;
import com.google.api.client.auth.oauth2.AuthorizationCodeResponseUrl;
import com.google.api.client.auth.oauth2.BearerToken;
import com.google.api.client.auth.oauth2.ClientCredentialsTokenRequest;
import com.google.api.client.auth.oauth2.ClientParametersAuthentication;
import com.google.api.client.auth.oauth2.Credential;
import com.google.api.client.auth.oauth2.RefreshTokenRequest;
import com.google.api.client.auth.oauth2.TokenResponse;
import com.google.api.client.auth.oauth2.TokenResponseException;
import com.google.api.client.http.BasicAuthentication;
import com.google.api.client.http.GenericUrl;
import com.google.api.client.http.HttpExecuteInterceptor;
import com.google.api.client.http.HttpTransport;
import com.google.api.client.http.UrlEncodedContent;
import com.google.api.client.http.javanet.NetHttpTransport;
import com.google.api.client.json.JsonFactory;
import com.google.api.client.json.gson.GsonFactory;
import com.google.api.client.util.GenericData;
import com.google.api.client.util.store.MemoryDataStoreFactory;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

public class GoogleOAuthClient {
  static final JsonFactory JSON = GsonFactory.getDefaultInstance();
  static HttpTransport transport;
  static String issuer;

  public static void main(String[] arguments) throws Exception {
    issuer = arguments[1];
    try (FileInputStream trusted = new FileInputStream(System.getenv("SSL_CERT_FILE"))) {
      transport = new NetHttpTransport.Builder().trustCertificatesFromStream(trusted).build();
    }
    HttpExecuteInterceptor basic = new BasicAuthentication("web", "web-secret");
    switch (arguments[0]) {
      case "lifecycle" -> lifecycle(new Client("web", "https://client.example/callback", basic, true));
      case "client_secret_post" -> {
        HttpExecuteInterceptor post = new ClientParametersAuthentication("web-post", "web-post-secret");
        lifecycle(new Client("web-post", "https://client.example/callback", post, false));
      }
      case "public_client" -> {
        HttpExecuteInterceptor none = new ClientParametersAuthentication("native", null);
        lifecycle(new Client("native", "http://127.0.0.1/callback", none, true));
      }
      case "threads" -> threads(new Client("web", "https://client.example/callback", basic, true));
      case "client_credentials" -> clientCredentials();
      default -> throw new IllegalArgumentException("no flow " + arguments[0]);
    }
  }

  static void lifecycle(Client client) throws Exception {
    Credential credential = client.signIn();
    String first = credential.getRefreshToken();
    post("/proxy/lose");
    try {
      // The connection of the JDK repeats a request whose connection was cut, so this may be an answer.
      assertTrue(credential.refreshToken(), "a refresh");
    } catch (TokenResponseException refused) {
      throw refused;
    } catch (IOException lost) {
      assertEquals(first, credential.getRefreshToken());
      assertTrue(credential.refreshToken(), "a refresh");
    }
    List<Map<String, Object>> refreshes = refreshes();
    assertEquals(2, refreshes.size());
    assertEquals(refreshes.get(0), refreshes.get(1));
    assertEquals(received(refreshes.get(0)), credential.getRefreshToken());
    assertEquals(credential.getRefreshToken(), client.flow.loadCredential("demo").getRefreshToken());
    ok("a refresh whose response was lost is repeated with the same answer, which is stored");

    TokenResponse narrowed = client.refresh(credential.getRefreshToken(), List.of("read"));
    assertEquals("read", narrowed.getScope());
    TokenResponse full = client.refresh(narrowed.getRefreshToken(), null);
    assertEquals("read write", full.getScope());
    ok("a refresh narrows the access token alone");

    client.revoke(full.getRefreshToken());
    credential.setRefreshToken(full.getRefreshToken());
    try {
      credential.refreshToken();
      throw new AssertionError("the refresh token works after revocation");
    } catch (TokenResponseException refused) {
      assertEquals("invalid_grant", refused.getDetails().getError());
      assertEquals(400, refused.getStatusCode());
    }
    ok("revocation ends the refresh token");
  }

  // Each thread has the stored credential, as requests of a web application have.
  static void threads(Client client) throws Exception {
    client.signIn();
    for (int round = 0; round < 3; round++) {
      List<Callable<String>> tasks = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        Credential stored = client.flow.loadCredential("demo");
        tasks.add(() -> {
          assertTrue(stored.refreshToken(), "a refresh");
          return stored.getRefreshToken();
        });
      }
      var pool = Executors.newFixedThreadPool(8);
      List<Future<String>> successors = pool.invokeAll(tasks);
      pool.shutdown();
      for (Future<String> successor : successors) {
        assertEquals(successors.get(0).get(), successor.get());
      }
      List<Map<String, Object>> refreshes = refreshes();
      assertEquals(8, refreshes.size());
      assertEquals(1L, refreshes.stream().map(refresh -> refresh.get("sent")).distinct().count());
      assertEquals(successors.get(0).get(), client.flow.loadCredential("demo").getRefreshToken());
    }
    ok("eight threads at once get the same refresh token, three times in turn");
  }

  static void clientCredentials() throws IOException {
    var request = new ClientCredentialsTokenRequest(transport, JSON, tokenEndpoint());
    request.setClientAuthentication(new BasicAuthentication("service", "service-secret"));
    TokenResponse tokens = request.setScopes(List.of("read")).execute();
    assertEquals("read", tokens.getScope());
    assertEquals(null, tokens.getRefreshToken());
    ok("client_credentials give an access token alone");
  }

  /** One client at the server. */
  static class Client {
    final String callback;
    final AuthorizationCodeFlow flow;

    Client(String id, String callback, HttpExecuteInterceptor authentication, boolean pkce) throws IOException {
      this.callback = callback;
      var builder = new AuthorizationCodeFlow.Builder(
          BearerToken.authorizationHeaderAccessMethod(), transport, JSON, tokenEndpoint(), authentication, id,
          issuer + "/oauth2/authorize");
      builder.setScopes(List.of("read", "write")).setDataStoreFactory(MemoryDataStoreFactory.getDefaultInstance());
      flow = (pkce ? builder.enablePKCE() : builder).build();
    }

    Credential signIn() throws Exception {
      String link = flow.newAuthorizationUrl().setRedirectUri(callback).setState("the-state").build();
      var answer = new AuthorizationCodeResponseUrl(user("allow", link));
      assertEquals("the-state", answer.getState());
      TokenResponse tokens = flow.newTokenRequest(answer.getCode()).setRedirectUri(callback).execute();
      Credential credential = flow.createAndStoreCredential(tokens, "demo");
      assertEquals("read write", tokens.getScope());
      ok("code gives tokens");
      return credential;
    }

    TokenResponse refresh(String refreshToken, List<String> scopes) throws IOException {
      var request = new RefreshTokenRequest(transport, JSON, tokenEndpoint(), refreshToken);
      return request.setClientAuthentication(flow.getClientAuthentication()).setScopes(scopes).execute();
    }

    // The library has no revocation.
    void revoke(String token) throws IOException {
      var content = new UrlEncodedContent(new GenericData().set("token", token));
      var endpoint = new GenericUrl(issuer + "/oauth2/token/revoke");
      var request = transport.createRequestFactory().buildPostRequest(endpoint, content);
      flow.getClientAuthentication().intercept(request);
      assertEquals(200, request.execute().getStatusCode());
    }
  }

  static GenericUrl tokenEndpoint() {
    return new GenericUrl(issuer + "/oauth2/access_token");
  }

  static String user(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(System.getenv("NODE"), System.getenv("USER_PROGRAM")));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String printed = new String(process.getInputStream().readAllBytes()).trim();
    assertEquals(0, process.waitFor());
    return printed;
  }

  static String post(String path) throws IOException {
    var request = transport.createRequestFactory().buildPostRequest(new GenericUrl(issuer + path), null);
    return request.execute().parseAsString();
  }

  @SuppressWarnings("unchecked")
  static List<Map<String, Object>> refreshes() throws IOException {
    return (List<Map<String, Object>>) (List<?>) JSON.createJsonParser(post("/proxy/refreshes"))
        .parseArray(ArrayList.class, GenericData.class);
  }

  @SuppressWarnings("unchecked")
  static Object received(Map<String, Object> refresh) {
    return ((Map<String, Object>) refresh.get("received")).get("refresh_token");
  }

  static void ok(String claim) {
    System.out.println("ok: " + claim);
  }

  static void assertTrue(boolean holds, String what) {
    if (!holds) throw new AssertionError("not true: " + what);
  }

  static void assertEquals(Object expected, Object actual) {
    if (expected == null ? actual != null : !expected.equals(actual)) {
      throw new AssertionError("expected " + expected + ", got " + actual);
    }
  }
}
