// Package barong is a client of the management API of a Barong server. [New] returns a [Client],
// which has a method for each operation (package barong/clients/go/api). It signs every request,
// retries it where that is safe, and returns an [Error] unless the operation succeeds:
//
//	backend, err := barong.LoadSigner("backend-1.mycompany.example", "backend-1.pem")
//	…
//	client, err := barong.New("https://barong.example.org", barong.Envelope(backend))
//	…
//	user, err := client.GetUserWithResponse(ctx, api.GetUserParameters{Email: new("ada@example.com")})
//	…
//	fmt.Println(user.JSON201.UID, user.JSON201.State)
//
// A program that sends requests in another way can sign them with [Signing.Sign].
package barong
