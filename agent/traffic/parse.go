package traffic

import (
	"net/http"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/types"
)

// parse reads a request's line. The layout of paths is that of the Kubernetes API:
// /api/v1 or /apis/GROUP/VERSION, then namespaces/NAME, then RESOURCE/NAME.
func parse(r *http.Request) Request {
	query := r.URL.Query()
	app, _ := r.Context().Value(key{}).(types.NamespacedName)
	request := Request{App: app, Host: r.URL.Host, Method: r.Method, Verb: "Unknown", DryRun: query.Get("dryRun") != ""}
	rest := resourcePath(r.URL.Path)
	if len(rest) == 0 {
		return request
	}
	if len(rest) > 2 && rest[0] == "namespaces" {
		request.Namespace, rest = rest[1], rest[2:]
	}
	request.Resource = rest[0]
	request.Verb = verb(r.Method, len(rest) > 1, query)
	return request
}

// resourcePath is what follows the group and the version; nothing if there is no
// resource.
func resourcePath(path string) []string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		return parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		return parts[3:]
	}
	return nil
}

func verb(method string, named bool, query url.Values) string {
	switch method {
	case http.MethodGet:
		switch {
		case query.Get("watch") != "" && query.Get("watch") != "false":
			return "Watch"
		case named:
			return "Get"
		}
		return "List"
	case http.MethodPost:
		return "Create"
	case http.MethodPut:
		return "Update"
	case http.MethodPatch:
		return "Patch"
	case http.MethodDelete:
		return "Delete"
	}
	return "Unknown"
}
