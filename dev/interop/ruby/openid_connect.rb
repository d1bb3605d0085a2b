# Flows of openid_connect on rack-oauth2, the clients that Rails applications use, as Debian packages them.

require 'openid_connect'
require 'net/http'
require 'open3'
require 'securerandom'

FLOW, ISSUER = ARGV
APP = 'https://client.example'.freeze

def ok(claim)
  puts "ok: #{claim}"
end

def assert(holds, message)
  raise message unless holds
end

def user(*arguments)
  printed, status = Open3.capture2(ENV.fetch('NODE'), ENV.fetch('USER_PROGRAM'), *arguments)
  assert status.success?, 'the user cannot sign in'
  URI(printed.strip)
end

def post(path)
  JSON.parse(Net::HTTP.post(URI(ISSUER + path), '').body)
end

# The client, with what discovery says.
class RelyingParty
  def initialize
    @server = OpenIDConnect::Discovery::Provider::Config.discover!(ISSUER)
    @client = OpenIDConnect::Client.new(
      identifier: 'rp',
      secret: 'rp-secret-of-more-than-16-characters',
      redirect_uri: "#{APP}/callback",
      authorization_endpoint: @server.authorization_endpoint,
      token_endpoint: @server.token_endpoint,
      userinfo_endpoint: @server.userinfo_endpoint,
      revocation_endpoint: @server.raw['revocation_endpoint']
    )
  end

  # Code and PKCE.
  def sign_in(nonce)
    verifier = SecureRandom.urlsafe_base64(40)
    state = SecureRandom.urlsafe_base64(16)
    link = @client.authorization_uri(
      scope: %i[profile email offline_access read], # the library adds openid
      state: state,
      nonce: nonce,
      code_challenge: Base64.urlsafe_encode64(Digest::SHA256.digest(verifier), padding: false),
      code_challenge_method: 'S256'
    )
    answer = URI.decode_www_form(user('allow', link).query).to_h
    assert answer['state'] == state, 'the state of the answer'
    @client.authorization_code = answer['code']
    @client.access_token!(code_verifier: verifier)
  end

  # The claims of an id_token that the published keys verify.
  def claims(tokens, nonce)
    id_token = OpenIDConnect::ResponseObject::IdToken.decode(tokens.id_token, @server.jwks)
    id_token.verify!(issuer: ISSUER, client_id: 'rp', nonce: nonce)
    id_token
  end

  def refresh(refresh_token, **parameters)
    @client.refresh_token = refresh_token
    @client.access_token!(parameters)
  end

  def revoke(refresh_token)
    @client.revoke!(refresh_token: refresh_token)
  end

  def end_session(id_token)
    link = URI(@server.end_session_endpoint)
    link.query = URI.encode_www_form(id_token_hint: id_token, post_logout_redirect_uri: "#{APP}/bye", state: 'bye')
    Net::HTTP.get_response(link)['location']
  end
end

def refused(error)
  yield
  raise "not refused as #{error}"
rescue Rack::OAuth2::Client::Error => e
  assert e.response[:error] == error, "refused as #{e.response}"
end

def session
  client = RelyingParty.new
  first = client.sign_in('the-nonce')
  assert client.claims(first, 'the-nonce').sub == 'demo', 'the subject'
  assert first.userinfo!.sub == 'demo', 'the subject of the userinfo'
  ok 'log-in with the default settings: discovery, id_token, and the userinfo'

  second = refresh_with_lost_response(client, first.refresh_token)
  assert client.claims(second, nil).sub == 'demo', 'the subject of the refreshed id_token'
  ok 'a refresh whose response was lost is repeated with the same answer'

  narrowed = client.refresh(second.refresh_token, scope: 'read')
  assert narrowed.raw_attributes[:scope] == 'read', 'the scope'
  refused('invalid_scope') { client.refresh(narrowed.refresh_token, scope: 'admin') }
  full = client.refresh(narrowed.refresh_token)
  assert full.raw_attributes[:scope] == second.raw_attributes[:scope], 'the full scope'
  ok 'a refresh narrows the access token alone'

  assert client.end_session(full.id_token) == "#{APP}/bye?state=bye", 'the redirection after log-out'
  refused('invalid_grant') { client.refresh(full.refresh_token) }
  ok 'log-out at the server ends the refresh token'
end

def refresh_with_lost_response(client, refresh_token)
  post '/proxy/lose'
  begin
    tokens = client.refresh(refresh_token)
  rescue Rack::OAuth2::Client::Error
    raise
  rescue StandardError
    tokens = client.refresh(refresh_token)
  end
  lost, repeated = post('/proxy/refreshes')
  assert repeated == lost, 'the same answer'
  assert tokens.refresh_token == lost['received']['refresh_token'], 'the answer that was lost'
  tokens
end

def revocation
  client = RelyingParty.new
  tokens = client.sign_in('the-nonce')
  client.revoke(tokens.refresh_token)
  refused('invalid_grant') { client.refresh(tokens.refresh_token) }
  ok 'revocation ends the refresh token'
end

send(FLOW)
