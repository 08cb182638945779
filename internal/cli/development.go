package cli

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"barong/clients/go/signing"
	"barong/handlers"
	"barong/internal/apidocs"
	"barong/internal/app"
)

// printDevHint prints that the server has no keychain, and how to call it. On a terminal the
// hint includes a command with a token that is valid for an hour and, if there is a docsKey,
// the URL of the documentation page. The log gets neither, because they give every permission
// to a reader of the log.
func printDevHint(to io.Writer, log *slog.Logger, forPerson bool, server *app.Server) error {
	signer, docsKey := server.Development, server.DocsKey
	if !forPerson {
		log.Warn("no keychain is configured (BARONG_MANAGEMENT_API): the development signer may do everything",
			"signer", app.DevelopmentSigner, "key", signer.KeyFile(), "try", "barong call listUsers limit=10")
		return nil
	}
	key, err := signer.Signer()
	if err != nil {
		return err
	}
	token, err := signing.Token(signing.NewClaims(time.Now(), time.Hour), key)
	if err != nil {
		return err
	}
	docs := ""
	if docsKey != "" {
		docs = fmt.Sprintf("Or in a browser, once:\n\n  %s%s%s%s\n\n", server.URL(), apidocs.Path, apidocs.KeyFragment, docsKey)
	}
	_, err = fmt.Fprintf(to, `
No keychain is configured (BARONG_MANAGEMENT_API): the signer %q, made for development in %s, may do
everything. Try it; the token is good for an hour:

  curl -X POST %s%s/users/list -H 'Content-Type: application/json' -d '{"limit": 10}' -H 'Authorization: Bearer %s'

%s`, app.DevelopmentSigner, signer.Dir, server.URL(), handlers.BasePath, token, docs)
	return err
}
