// Command program calls every operation with the client that ogen has generated.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"ogenclient/generated/api"
)

// token signs every request.
type token string

func (t token) BearerToken(context.Context, api.OperationName) (api.BearerToken, error) {
	return api.BearerToken{Token: string(t)}, nil
}

// lastStatus remembers the status of the last response, which ogen's types stand for.
type lastStatus int

func (s *lastStatus) Do(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultClient.Do(r)
	if err == nil {
		*s = lastStatus(response.StatusCode)
	}
	return response, err
}

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var status lastStatus
	client, err := api.NewClient(os.Getenv("BARONG_API"), token(os.Getenv("BARONG_TOKEN")), api.WithClient(&status))
	if err != nil {
		return err
	}
	generator := os.Getenv("BARONG_GENERATOR")
	email := generator + "@example.com"
	uid, robot, kid, holder := "", "", "", os.Getenv("BARONG_OTP_UID")
	second := strings.Replace(os.Getenv("BARONG_PHONE"), "1515", "1516", 1)
	day := func(date string) time.Time {
		parsed, err := time.Parse(time.DateOnly, date)
		if err != nil {
			panic(err)
		}
		return parsed
	}
	// Each call returns what was decoded, of one of the types that the operation answers with.
	calls := []struct {
		operation string
		call      func() (any, error)
	}{
		{"getTimestamp", func() (any, error) { return client.GetTimestamp(ctx, &api.GetTimestampParameters{}) }},
		{"createUser", func() (any, error) {
			return client.CreateUser(ctx, &api.CreateUserParameters{Email: "new-" + email, Password: "Tecohvi0"})
		}},
		{"importUser", func() (any, error) {
			return client.ImportUser(ctx, &api.ImportUserParameters{
				Email: email, PasswordDigest: "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
				Phone: api.NewOptString(os.Getenv("BARONG_PHONE")), FirstName: api.NewOptString("Ada"), Dob: api.NewOptDate(day("1985-12-10")),
			})
		}},
		{"createLabel", func() (any, error) {
			return client.CreateLabel(ctx, &api.CreateLabelParameters{UserUID: uid, Key: "generator", Value: "unknown"})
		}},
		{"updateLabel", func() (any, error) {
			return client.UpdateLabel(ctx, &api.UpdateLabelParameters{UserUID: uid, Key: "generator", Value: generator, Replace: api.NewOptBool(false)})
		}},
		{"listLabels", func() (any, error) { return client.ListLabels(ctx, &api.ListLabelsParameters{UserUID: uid}) }},
		{"filterUsersByLabel", func() (any, error) {
			return client.FilterUsersByLabel(ctx, &api.FilterUsersByLabelParameters{Key: "generator", Value: api.NewOptString(generator), Scope: api.NewOptString("private"), Limit: api.NewOptInt64(10)})
		}},
		{"createDocument", func() (any, error) {
			return client.CreateDocument(ctx, &api.CreateDocumentParameters{
				UID: uid, DocType: "Passport", DocNumber: "AB123123", Filename: "passport.png", FileExt: "png", DocExpire: api.NewOptDate(day("2099-04-01")),
				Upload: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
			})
		}},
		{"getUser", func() (any, error) { return client.GetUser(ctx, &api.GetUserParameters{UID: api.NewOptString(uid)}) }},
		{"listUsers", func() (any, error) {
			return client.ListUsers(ctx, api.NewOptListUsersParameters(api.ListUsersParameters{Email: api.NewOptString(email), Extended: api.NewOptBool(true)}))
		}},
		{"signOTP", func() (any, error) {
			return client.SignOTP(ctx, &api.SignOTPParameters{UserUID: os.Getenv("BARONG_OTP_UID"), OtpCode: os.Getenv("BARONG_OTP_CODE")})
		}},
		{"deleteLabel", func() (any, error) {
			return client.DeleteLabel(ctx, &api.DeleteLabelParameters{UserUID: uid, Key: "generator"})
		}},
		{"updateUser", func() (any, error) {
			return client.UpdateUser(ctx, &api.UpdateUserParameters{UID: uid, Role: api.NewOptString("maker")})
		}},
		{"createProfile", func() (any, error) {
			return client.CreateProfile(ctx, &api.CreateProfileParameters{UID: uid, State: api.NewOptString("rejected")})
		}},
		{"createPhone", func() (any, error) {
			return client.CreatePhone(ctx, &api.CreatePhoneParameters{UID: uid, Number: second})
		}},
		{"listPhones", func() (any, error) { return client.ListPhones(ctx, &api.ListPhonesParameters{UID: uid}) }},
		{"deletePhone", func() (any, error) {
			return client.DeletePhone(ctx, &api.DeletePhoneParameters{UID: uid, Number: second})
		}},
		{"createServiceAccount", func() (any, error) {
			r, err := client.CreateServiceAccount(ctx, &api.CreateServiceAccountParameters{OwnerUID: api.NewOptString(uid), ServiceAccountRole: "service_account"})
			if created, ok := r.(*api.ServiceAccountHeaders); ok {
				robot = created.Response.UID
			}
			return r, err
		}},
		{"getServiceAccount", func() (any, error) {
			return client.GetServiceAccount(ctx, &api.GetServiceAccountParameters{UID: api.NewOptString(robot)})
		}},
		{"listServiceAccounts", func() (any, error) {
			return client.ListServiceAccounts(ctx, api.NewOptListServiceAccountsParameters(api.ListServiceAccountsParameters{OwnerUID: api.NewOptString(uid)}))
		}},
		{"updateServiceAccount", func() (any, error) {
			return client.UpdateServiceAccount(ctx, &api.UpdateServiceAccountParameters{UID: robot})
		}},
		{"createAPIKey", func() (any, error) {
			r, err := client.CreateAPIKey(ctx, &api.CreateAPIKeyParameters{UID: holder, Algorithm: "HS256", Scopes: api.NewOptString("trade,history")})
			if created, ok := r.(*api.APIKeyHeaders); ok {
				kid = created.Response.Kid
			}
			return r, err
		}},
		{"updateAPIKey", func() (any, error) {
			return client.UpdateAPIKey(ctx, &api.UpdateAPIKeyParameters{UID: holder, Kid: kid, State: api.NewOptString("inactive")})
		}},
		{"deleteServiceAccount", func() (any, error) {
			return client.DeleteServiceAccount(ctx, &api.DeleteServiceAccountParameters{UID: robot})
		}},
		{"createAttachment", func() (any, error) {
			return client.CreateAttachment(ctx, &api.CreateAttachmentParameters{
				UID: api.NewOptString(uid), Filename: "letter.png", FileExt: "png",
				Upload: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
			})
		}},
		{"createUser refused", func() (any, error) {
			return client.CreateUser(ctx, &api.CreateUserParameters{Email: "bad_email", Password: "Password1"})
		}},
		{"getUser refused", func() (any, error) {
			return client.GetUser(ctx, &api.GetUserParameters{Email: api.NewOptString("nobody@example.com")})
		}},
	}
	for _, c := range calls {
		result, err := c.call()
		decoded, err := describe(c.operation, result, err)
		if err != nil {
			return fmt.Errorf("%s: %w", c.operation, err)
		}
		if c.operation == "importUser" {
			uid = decoded
		}
		fmt.Printf("%s\t%d\t%s\n", c.operation, status, decoded)
	}
	return nil
}

// describe is something that was decoded of the response.
func describe(operation string, result any, err error) (string, error) {
	var undeclared *api.ErrorStatusCodeWithHeaders // with a status of `default`
	if errors.As(err, &undeclared) {
		return messages(undeclared.Response), nil
	}
	if err != nil {
		return "", err
	}
	switch r := result.(type) {
	case *api.TimestampHeaders:
		return fmt.Sprint(r.Response.Timestamp), nil
	case *api.UserWithProfileHeaders:
		switch operation {
		case "createUser":
			return r.Response.State, nil
		case "updateUser":
			return r.Response.Role, nil
		case "createProfile":
			return string(r.Response.Profiles[len(r.Response.Profiles)-1].State), nil
		default:
			return r.Response.UID, nil
		}
	case *api.PhoneHeaders:
		return r.Response.Country, nil
	case *api.ListPhonesCreatedHeaders:
		var countries []string
		for _, phone := range r.Response {
			countries = append(countries, phone.Country)
		}
		return strings.Join(countries, ","), nil
	case *api.ServiceAccountHeaders:
		switch operation {
		case "createServiceAccount":
			return r.Response.Role, nil
		case "deleteServiceAccount":
			return r.Response.State, nil
		default:
			return r.Response.User.Value.UID, nil
		}
	case *api.GetServiceAccountCreatedHeaders: // a read has no header of repetitions
		return r.Response.User.Value.UID, nil
	case *api.ServiceAccountPageHeaders:
		return r.Response[0].User.Value.UID, nil
	case *api.APIKeyHeaders:
		if operation == "updateAPIKey" {
			return string(r.Response.State), nil
		}
		return strings.Join(r.Response.Scope, ","), nil
	case *api.AttachmentHeaders:
		return r.Response.UserUID.Value, nil
	case *api.LabelHeaders:
		if operation == "deleteLabel" {
			return r.Response.Key, nil
		}
		return r.Response.Value, nil
	case *api.ListLabelsCreatedHeaders:
		var keys []string
		for _, label := range r.Response {
			keys = append(keys, label.Key)
		}
		return strings.Join(keys, ","), nil
	case *api.UserPageHeaders:
		if r.Total != 1 || len(r.Response) != 1 {
			return "", fmt.Errorf("there are %d users, of %d", len(r.Response), r.Total)
		}
		if operation == "listUsers" {
			return r.Response[0].Profile.Value.Dob.Value.Format(time.DateOnly), nil
		}
		return r.Response[0].UID, nil
	case *api.UserWithKYCHeaders:
		return r.Response.Documents[0].DocExpire.Value.Format(time.DateOnly), nil
	case *api.SignedEnvelopeHeaders:
		return r.Response.Signatures[0].Header.Value.Kid.Value, nil
	case *api.UnprocessableEntityHeaders:
		return messages(r.Response), nil
	default:
		return "", fmt.Errorf("the response is %#v", r)
	}
}

func messages(e api.Error) string {
	if e.Error.IsString() {
		return e.Error.String
	}
	return strings.Join(e.Error.StringArray, "|")
}
