// The user for the clients of other languages, who signs in and allows a request.
//
//   node user.mjs allow LINK                  prints the redirection to the client
//   node user.mjs allow-device URI USER_CODE
//
// The address of the server is that of the link.

import { allow, allowDevice } from './demo.mjs'

const [what, link, user_code] = process.argv.slice(2)
if (what === 'allow') console.log((await allow(link)).href)
else await allowDevice({ verification_uri: link, user_code })
