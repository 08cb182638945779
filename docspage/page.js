'use strict'

// Runs before Scalar: the style elements that it makes carry the nonce, without
// which the page's Content-Security-Policy refuses them.
const nonce = document.querySelector('meta[property=csp-nonce]').content
const createElement = document.createElement.bind(document)
document.createElement = (name, options) => {
  const element = createElement(name, options)
  if (name === 'style') element.nonce = nonce
  return element
}

document.addEventListener('DOMContentLoaded', async () => {
  const reference = Scalar.createApiReference('#reference', configuration(await developmentToken()))
})

async function developmentToken() {
  const path = document.body.dataset.token
  if (!path) return null
  const answer = await fetch(path, { method: 'POST' })
  if (!answer.ok) return null
  const { token, expires_in } = await answer.json()
  return { value: token, expires: Date.now() + expires_in * 1000 }
}

function configuration(token) {
  return {
    url: '/openapi.json',
    authentication: {
      preferredSecurityScheme: 'BearerToken',
      securitySchemes: { BearerToken: { token: token?.value ?? '' } },
    },
    // Nothing leaves this origin.
    withDefaultFonts: false,
    telemetry: false,
    proxyUrl: '',
    hideClientButton: true,
    agent: { disabled: true },
    mcp: { disabled: true },
    showDeveloperTools: 'never',
    persistAuth: false,
  }
}
