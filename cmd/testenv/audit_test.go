package testenv

import (
	"os"
	"testing"
)

const auditLines = `{"stage":"ResponseComplete","verb":"patch","requestURI":"/apis/apps/v1/namespaces/a/deployments/x?fieldManager=tidelock&force=true","objectRef":{"resource":"deployments"}}
{"stage":"ResponseComplete","verb":"patch","requestURI":"/apis/apps/v1/namespaces/a/deployments/x?dryRun=All&fieldManager=tidelock&force=true","objectRef":{"resource":"deployments"}}
{"stage":"ResponseComplete","verb":"patch","requestURI":"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/x/status","objectRef":{"resource":"applications","subresource":"status"}}
{"stage":"ResponseStarted","verb":"watch","requestURI":"/api/v1/secrets?watch=true","objectRef":{"resource":"secrets"}}
{"stage":"ResponseComplete","verb":"watch","requestURI":"/api/v1/secrets?watch=true","objectRef":{"resource":"secrets"}}
{"stage":"ResponseComplete","verb":"watch","requestURI":"/api/v1/nodes?watch=true","objectRef":{"resource":"nodes"},"responseStatus":{"code":403}}
{"stage":"ResponseComplete","verb":"get","requestURI":"/api","responseStatus":{"code":200}}
{"stage":"ResponseComplete","verb":"get","requestURI":"/api","responseStatus":{"code":200}}
`

func TestAuditLog(t *testing.T) {
	log, _, err := newAuditLog(t.TempDir(), []string{"somebody"})
	if err != nil {
		t.Fatal(err)
	}
	next := func(want string) {
		t.Helper()
		got, err := log.Next()
		if err != nil || got.String() != want {
			t.Errorf("got  %s, %v\nwant %s", got, err, want)
		}
	}
	next("") // no file yet
	half := len(auditLines) - 20
	if err := os.WriteFile(log.path, []byte(auditLines[:half]), 0o600); err != nil {
		t.Fatal(err)
	}
	next("1 apply deployments, 1 dry-run deployments, 1 forbidden watch nodes, 1 get /api, 1 patch applications/status, 1 watch secrets")
	if err := os.WriteFile(log.path, []byte(auditLines), 0o600); err != nil {
		t.Fatal(err)
	}
	next("1 get /api") // whose line was half there
	next("")
	named := `{"stage":"ResponseComplete","verb":"patch","requestURI":"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/x","objectRef":{"resource":"applications","name":"x"}}
{"stage":"ResponseComplete","verb":"patch","requestURI":"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/y","objectRef":{"resource":"applications","name":"y"}}
{"stage":"ResponseComplete","verb":"get","requestURI":"/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/y","objectRef":{"resource":"applications","name":"y"}}
`
	if err := os.WriteFile(log.path, []byte(auditLines+named), 0o600); err != nil {
		t.Fatal(err)
	}
	requests, others, err := log.NextBut(func(request, name string) bool { return request == "patch applications" && name != "x" })
	if err != nil || requests.String() != "1 get applications, 1 patch applications" || others.String() != "1 patch applications" {
		t.Errorf("got %s, and apart %s, %v", requests, others, err)
	}
}
