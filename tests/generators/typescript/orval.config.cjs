module.exports = {
  api: {
    input: process.env.DOCUMENT,
    output: { target: process.env.TARGET, client: 'fetch', baseUrl: { getBaseUrlFromSpecification: true } },
  },
};
