// Command program calls every operation with the client that go-swagger has generated.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	httptransport "github.com/go-openapi/runtime/client"
	"github.com/go-openapi/strfmt"

	"goswaggerclient/generated/client"
	"goswaggerclient/generated/client/api_keys"
	"goswaggerclient/generated/client/documents"
	"goswaggerclient/generated/client/labels"
	"goswaggerclient/generated/client/otp"
	"goswaggerclient/generated/client/phones"
	"goswaggerclient/generated/client/service_accounts"
	"goswaggerclient/generated/client/tools"
	"goswaggerclient/generated/client/users"
	"goswaggerclient/generated/models"
)

// lastStatus remembers the status of the last response, which go-swagger's types
// stand for.
type lastStatus int

func (s *lastStatus) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		*s = lastStatus(response.StatusCode)
	}
	return response, err
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var status lastStatus
	// The document has the address.
	transport := httptransport.NewWithClient(client.DefaultHost, client.DefaultBasePath, client.DefaultSchemes, &http.Client{Transport: &status})
	transport.DefaultAuthentication = httptransport.BearerToken(os.Getenv("BARONG_TOKEN"))
	api := client.New(transport, strfmt.Default)
	generator := os.Getenv("BARONG_GENERATOR")
	email := generator + "@example.com"
	uid, robot, kid, holder := "", "", "", os.Getenv("BARONG_OTP_UID")
	second := strings.Replace(os.Getenv("BARONG_PHONE"), "1515", "1516", 1)

	// Each call returns something that was decoded.
	calls := []struct {
		operation string
		call      func() (string, error)
	}{
		{"getTimestamp", func() (string, error) {
			r, err := api.Tools.GetTimestamp(tools.NewGetTimestampParams(), nil)
			if err != nil {
				return "", err
			}
			return fmt.Sprint(*r.Payload.Timestamp), nil
		}},
		{"createUser", func() (string, error) {
			r, err := api.Users.CreateUser(users.NewCreateUserParams().WithEmail("new-"+email).WithPassword("Tecohvi0"), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.State, nil
		}},
		{"importUser", func() (string, error) {
			r, err := api.Users.ImportUser(users.NewImportUserParams().WithEmail(email).
				WithPasswordDigest("$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW").
				WithPhone(new(os.Getenv("BARONG_PHONE"))).WithFirstName(new("Ada")).WithDob(day("1985-12-10")), nil)
			if err != nil {
				return "", err
			}
			uid = *r.Payload.UID
			return uid, nil
		}},
		{"createLabel", func() (string, error) {
			r, err := api.Labels.CreateLabel(labels.NewCreateLabelParams().WithUserUID(uid).WithKey("generator").WithValue("unknown"), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.Value, nil
		}},
		{"updateLabel", func() (string, error) {
			r, err := api.Labels.UpdateLabel(labels.NewUpdateLabelParams().WithUserUID(uid).WithKey("generator").WithValue(generator).WithReplace(new(false)), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.Value, nil
		}},
		{"listLabels", func() (string, error) {
			r, err := api.Labels.ListLabels(labels.NewListLabelsParams().WithUserUID(uid), nil)
			if err != nil {
				return "", err
			}
			var keys []string
			for _, label := range r.Payload {
				keys = append(keys, *label.Key)
			}
			return strings.Join(keys, ","), nil
		}},
		{"filterUsersByLabel", func() (string, error) {
			r, err := api.Labels.FilterUsersByLabel(labels.NewFilterUsersByLabelParams().WithKey("generator").WithValue(&generator).
				WithScope(new("private")).WithLimit(new(int64(10))), nil)
			if err != nil {
				return "", err
			}
			if r.Total != 1 || len(r.Payload) != 1 {
				return "", fmt.Errorf("there are %d users, of %d", len(r.Payload), r.Total)
			}
			return *r.Payload[0].UID, nil
		}},
		{"createDocument", func() (string, error) {
			r, err := api.Documents.CreateDocument(documents.NewCreateDocumentParams().WithUID(uid).WithDocType("Passport").WithDocNumber("AB123123").
				WithFilename("passport.png").WithFileExt("png").WithDocExpire(day("2099-04-01")).
				WithUpload("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.UID, nil
		}},
		{"getUser", func() (string, error) {
			r, err := api.Users.GetUser(users.NewGetUserParams().WithUID(&uid), nil)
			if err != nil {
				return "", err
			}
			return r.Payload.Documents[0].DocExpire.String(), nil
		}},
		{"listUsers", func() (string, error) {
			r, err := api.Users.ListUsers(users.NewListUsersParams().WithEmail(&email).WithExtended(new(true)), nil)
			if err != nil {
				return "", err
			}
			return r.Payload[0].Profile.Dob.String(), nil
		}},
		{"signOTP", func() (string, error) {
			r, err := api.Otp.SignOTP(otp.NewSignOTPParams().WithUserUID(os.Getenv("BARONG_OTP_UID")).WithOtpCode(os.Getenv("BARONG_OTP_CODE")), nil)
			if err != nil {
				return "", err
			}
			return r.Payload.Signatures[0].Header.Kid, nil
		}},
		{"deleteLabel", func() (string, error) {
			r, err := api.Labels.DeleteLabel(labels.NewDeleteLabelParams().WithUserUID(uid).WithKey("generator"), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.Key, nil
		}},
		{"updateUser", func() (string, error) {
			r, err := api.Users.UpdateUser(users.NewUpdateUserParams().WithUID(uid).WithRole(new("maker")), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.Role, nil
		}},
		{"createProfile", func() (string, error) {
			r, err := api.Users.CreateProfile(users.NewCreateProfileParams().WithUID(uid).WithState(new("rejected")), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.Profiles[len(r.Payload.Profiles)-1].State, nil
		}},
		{"createPhone", func() (string, error) {
			r, err := api.Phones.CreatePhone(phones.NewCreatePhoneParams().WithUID(uid).WithNumber(second), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.Country, nil
		}},
		{"listPhones", func() (string, error) {
			r, err := api.Phones.ListPhones(phones.NewListPhonesParams().WithUID(uid), nil)
			if err != nil {
				return "", err
			}
			var countries []string
			for _, phone := range r.Payload {
				countries = append(countries, *phone.Country)
			}
			return strings.Join(countries, ","), nil
		}},
		{"deletePhone", func() (string, error) {
			r, err := api.Phones.DeletePhone(phones.NewDeletePhoneParams().WithUID(uid).WithNumber(second), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.Country, nil
		}},
		{"createServiceAccount", func() (string, error) {
			r, err := api.ServiceAccounts.CreateServiceAccount(service_accounts.NewCreateServiceAccountParams().WithOwnerUID(&uid).WithServiceAccountRole("service_account"), nil)
			if err != nil {
				return "", err
			}
			robot = *r.Payload.UID
			return *r.Payload.Role, nil
		}},
		{"getServiceAccount", func() (string, error) {
			r, err := api.ServiceAccounts.GetServiceAccount(service_accounts.NewGetServiceAccountParams().WithUID(&robot), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.User.UID, nil
		}},
		{"listServiceAccounts", func() (string, error) {
			r, err := api.ServiceAccounts.ListServiceAccounts(service_accounts.NewListServiceAccountsParams().WithOwnerUID(&uid), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload[0].User.UID, nil
		}},
		{"updateServiceAccount", func() (string, error) {
			r, err := api.ServiceAccounts.UpdateServiceAccount(service_accounts.NewUpdateServiceAccountParams().WithUID(robot), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.User.UID, nil
		}},
		{"createAPIKey", func() (string, error) {
			r, err := api.APIKeys.CreateAPIKey(api_keys.NewCreateAPIKeyParams().WithUID(holder).WithAlgorithm("HS256").WithScopes(new("trade,history")), nil)
			if err != nil {
				return "", err
			}
			kid = *r.Payload.Kid
			return strings.Join(r.Payload.Scope, ","), nil
		}},
		{"updateAPIKey", func() (string, error) {
			r, err := api.APIKeys.UpdateAPIKey(api_keys.NewUpdateAPIKeyParams().WithUID(holder).WithKid(kid).WithState(new("inactive")), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.State, nil
		}},
		{"deleteServiceAccount", func() (string, error) {
			r, err := api.ServiceAccounts.DeleteServiceAccount(service_accounts.NewDeleteServiceAccountParams().WithUID(robot), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.State, nil
		}},
		{"createAttachment", func() (string, error) {
			r, err := api.Documents.CreateAttachment(documents.NewCreateAttachmentParams().WithUID(&uid).WithFilename("letter.png").WithFileExt("png").
				WithUpload("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="), nil)
			if err != nil {
				return "", err
			}
			return *r.Payload.UserUID, nil
		}},
		{"createUser refused", func() (string, error) {
			_, err := api.Users.CreateUser(users.NewCreateUserParams().WithEmail("bad_email").WithPassword("Password1"), nil)
			var invalid *users.CreateUserUnprocessableEntity
			if !errors.As(err, &invalid) {
				return "", fmt.Errorf("the error is %w", err)
			}
			return messages(invalid.Payload)
		}},
		{"getUser refused", func() (string, error) {
			_, err := api.Users.GetUser(users.NewGetUserParams().WithEmail(new("nobody@example.com")), nil)
			var other *users.GetUserDefault
			if !errors.As(err, &other) {
				return "", fmt.Errorf("the error is %w", err)
			}
			return messages(other.Payload)
		}},
	}
	for _, c := range calls {
		decoded, err := c.call()
		if err != nil {
			return fmt.Errorf("%s: %w", c.operation, err)
		}
		fmt.Printf("%s\t%d\t%s\n", c.operation, status, decoded)
	}
	return nil
}

func day(date string) *strfmt.Date {
	parsed, err := time.Parse(time.DateOnly, date)
	if err != nil {
		panic(err)
	}
	return new(strfmt.Date(parsed))
}

// messages are of any type: Swagger 2.0 has no alternatives.
func messages(e *models.Error) (string, error) {
	switch m := e.Error.(type) {
	case string:
		return m, nil
	case []any:
		var joined []string
		for _, message := range m {
			joined = append(joined, fmt.Sprint(message))
		}
		return strings.Join(joined, "|"), nil
	default:
		text, _ := json.Marshal(m)
		return "", fmt.Errorf("the error is %s", text)
	}
}
