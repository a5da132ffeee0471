package sops

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"cloud.google.com/go/auth"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/googleapis/gax-go/v2/apierror"
	vault "github.com/hashicorp/vault/api"

	"github.com/tidelock-io/tidelock/plugins/sdk"
)

// reword says what a service answered: its code, and its own words as far as they
// are known to be for people. Clients' errors run over many lines, and some print
// what was sent.
func reword(err error, login sdk.Key) *no {
	for _, known := range []func(error) *no{ofVault, ofAWS, ofGCP, ofAzure, ofNetwork} {
		if answer := known(err); answer != nil {
			answer.why = clean(answer.why, login)
			return answer
		}
	}
	return &no{clean("its client says: "+err.Error(), login), false}
}

// clean makes a line of at most 300 characters, without what logs in.
func clean(text string, login sdk.Key) string {
	const longest, shortest = 300, 8
	for _, secret := range strings.FieldsFunc(string(login.Material), func(r rune) bool { return strings.ContainsRune("\n\r\"', ", r) }) {
		if len(secret) >= shortest {
			text = strings.ReplaceAll(text, secret, "(hidden)")
		}
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longest {
		text = text[:longest] + "..."
	}
	return text
}

// answered turns a status and a service's words into an answer.
func answered(status int, words string) *no {
	failing := status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	text := fmt.Sprintf("it answered %d %s", status, http.StatusText(status))
	if words != "" {
		text += ": " + words
	}
	return &no{text, failing}
}

func ofVault(err error) *no {
	var response *vault.ResponseError
	if !errors.As(err, &response) {
		return nil
	}
	words := strings.Join(response.Errors, "; ")
	if response.RawError {
		words = "" // a page of a proxy
	}
	return answered(response.StatusCode, words)
}

func ofAWS(err error) *no {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil
	}
	status := 0
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		status = response.HTTPStatusCode()
	}
	answer := answered(status, api.ErrorCode()+": "+api.ErrorMessage())
	answer.failing = answer.failing || strings.Contains(api.ErrorCode(), "Throttl")
	return answer
}

func ofGCP(err error) *no {
	var api *apierror.APIError
	if errors.As(err, &api) {
		if code := api.HTTPCode(); code > 0 {
			return answered(code, api.Reason())
		}
		if status := api.GRPCStatus(); status != nil {
			return &no{"it answered " + status.Code().String(), false}
		}
	}
	var login *auth.Error
	if errors.As(err, &login) && login.Response != nil {
		return answered(login.Response.StatusCode, "at the login")
	}
	return nil
}

func ofAzure(err error) *no {
	var login *azidentity.AuthenticationFailedError
	if errors.As(err, &login) {
		if login.RawResponse == nil {
			return &no{"the login failed", true}
		}
		answer := answered(login.RawResponse.StatusCode, "at the login")
		return answer
	}
	var response *azcore.ResponseError
	if errors.As(err, &response) {
		return answered(response.StatusCode, response.ErrorCode)
	}
	return nil
}

// ofNetwork is what never came to an answer.
func ofNetwork(err error) *no {
	var call *url.Error
	var network net.Error
	switch {
	case errors.As(err, &call):
		return &no{call.Err.Error(), true}
	case errors.As(err, &network):
		return &no{network.Error(), true}
	}
	return nil
}
