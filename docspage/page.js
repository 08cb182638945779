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

// A server in development offers a token, so that operations can be tried at
// once. The page shows the first one; what is sent with it gets one that is good.
const tokenPath = document.body.dataset.token
const margin = 30_000 // ms before its end at which a token is replaced
let offered = ''
let current = { value: '', expires: 0 }

async function developmentToken() {
  if (!tokenPath) return ''
  if (Date.now() > current.expires - margin) {
    const answer = await fetch(tokenPath, { method: 'POST' })
    if (!answer.ok) return ''
    const { token, expires_in } = await answer.json()
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
  Scalar.createApiReference('#reference', {
    url: '/openapi.yaml', // in the order in which it was written
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
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',

    defaultHttpClient: { targetKey: 'shell', clientKey: 'curl' },
    modelsSectionLabel: 'Schemas',
    orderSchemaPropertiesBy: 'preserve',
    orderRequiredPropertiesFirst: false,
  })
})
