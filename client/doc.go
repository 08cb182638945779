// Package client calls the management API from Go. [New] makes the client that is
// generated from openapi.yaml, which signs every request that it sends and returns
// every refusal as an [Error]:
//
//	backend, err := client.LoadSigner("backend-1.mycompany.example", "backend-1.pem")
//	…
//	api, err := client.New("https://barong.example.org", client.Envelope(backend))
//	…
//	user, err := api.GetUserWithResponse(ctx, generated.GetUserParameters{Email: new("ada@example.com")})
//	…
//	fmt.Println(user.JSON201.UID, user.JSON201.State)
//
// Whoever makes the generated client otherwise can have its requests signed by
// [Signing.Sign] alone.
package client
