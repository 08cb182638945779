'use strict'

// Scalar's configuration, and what makes it run under the page's
// Content-Security-Policy. Runs before Scalar itself.

// Every style element that a script makes carries the nonce of the policy, which
// refuses all others.
const nonce = document.querySelector('meta[property=csp-nonce]').content
const createElement = document.createElement.bind(document)
document.createElement = (name, options) => {
  const element = createElement(name, options)
  if (name === 'style') element.nonce = nonce
  return element
}

// Zod, which Scalar validates with, asks whether it may compile code from
// strings. The policy says no; it need not ask.
globalThis.__zod_globalConfig = { jitless: true }

// What Scalar leaves out for people without a mouse or without a screen: code that
// is wider than its place scrolls, which takes the focus; a button with an icon
// needs a name, and one with a text that very text.
new MutationObserver(() => {
  for (const code of document.querySelectorAll('.custom-scroll:not([tabindex])')) code.tabIndex = 0
  for (const button of document.querySelectorAll('.scalar-code-copy:not([aria-label])')) button.ariaLabel = 'Copy the code'
  for (const button of document.querySelectorAll('.show-more[aria-label]')) button.removeAttribute('aria-label')
}).observe(document, { childList: true, subtree: true })

// A server in development offers a token, so that operations can be tried at
// once. The page shows the first one; what is sent with it gets one that is good.
const tokenPath = document.body.dataset.token
const margin = 30_000 // ms before its end at which a token is replaced
let offered = ''
let current = { value: '', expires: 0 }

// The key in the URL that the server printed is good once, for another that this tab
// keeps. It leaves the address bar and the history before anything else runs.
const keptAs = 'barong-docs-key'
const given = location.hash.startsWith('#key=') ? decodeURIComponent(location.hash.slice('#key='.length)) : ''
if (given) history.replaceState(null, '', location.pathname)
let keys = [given, sessionStorage.getItem(keptAs)].filter(Boolean)

async function askForToken() {
  for (const key of keys) {
    const answer = await fetch(tokenPath, { method: 'POST', headers: { 'X-Docs-Key': key } })
    if (!answer.ok) continue
    const got = await answer.json()
    keys = [got.key]
    sessionStorage.setItem(keptAs, got.key)
    return got
  }
  return null
}

async function developmentToken() {
  if (!tokenPath) return ''
  if (Date.now() > current.expires - margin) {
    const got = await askForToken()
    if (!got) return ''
    const { token, expires_in } = got
    current = { value: token, expires: Date.now() + expires_in * 1000 }
  }
  return current.value
}

async function send(input, init) {
  const request = new Request(input, init)
  if (offered && request.headers.get('Authorization') === `Bearer ${offered}`) {
    request.headers.set('Authorization', `Bearer ${await developmentToken()}`)
  }
  return fetch(request)
}

document.addEventListener('DOMContentLoaded', async () => {
  offered = await developmentToken()
  if (!globalThis.Scalar) return // it did not arrive: what there is to read stays
  document.querySelector('.outline').remove() // what follows says the same and more
  Scalar.createApiReference('#reference', {
    url: '/docs/openapi.yaml', // in the order in which it was written, with samples and errors
    customFetch: send,
    authentication: {
      preferredSecurityScheme: 'BearerToken',
      securitySchemes: { BearerToken: { token: offered } },
    },
    persistAuth: false,

    // Nothing leaves this server.
    withDefaultFonts: false,
    telemetry: false,
    proxyUrl: '',
    hideClientButton: true,
    showOperationId: true,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',

    defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
    modelsSectionLabel: 'Schemas',
    orderSchemaPropertiesBy: 'preserve',
    orderRequiredPropertiesFirst: false,
  })
})
