package testenv

import (
	"fmt"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestWrites: what has taken effect is a write, in the order in which the server got it,
// and says what was sent, if that is recorded and is an object.
func TestWrites(t *testing.T) {
	log, _, err := newAuditLog(t.TempDir(), []string{"somebody"}, schema.GroupResource{Group: "batch", Resource: "jobs"})
	if err != nil {
		t.Fatal(err)
	}
	const lines = `{"stage":"ResponseComplete","verb":"patch","requestReceivedTimestamp":"2026-01-01T00:00:02.000000Z","requestURI":"/x","user":{"username":"agent","extra":{"authentication.kubernetes.io/credential-id":["JTI=2"]}},"objectRef":{"resource":"jobs","namespace":"shop","name":"late"},"responseStatus":{"code":200},"requestObject":[{"op":"remove"}]}
{"stage":"ResponseComplete","verb":"patch","requestReceivedTimestamp":"2026-01-01T00:00:01.000000Z","requestURI":"/x?force=true","user":{"username":"agent","extra":{"authentication.kubernetes.io/credential-id":["JTI=1"]}},"objectRef":{"resource":"jobs","namespace":"shop","name":"early"},"responseStatus":{"code":201},"requestObject":{"metadata":{"annotations":{"version":"7"}}}}
{"stage":"ResponseComplete","verb":"patch","requestReceivedTimestamp":"2026-01-01T00:00:03.000000Z","requestURI":"/x?dryRun=All","objectRef":{"resource":"jobs"},"responseStatus":{"code":200}}
{"stage":"ResponseComplete","verb":"patch","requestReceivedTimestamp":"2026-01-01T00:00:03.000000Z","requestURI":"/x","objectRef":{"resource":"jobs"},"responseStatus":{"code":409}}
{"stage":"ResponseStarted","verb":"create","requestReceivedTimestamp":"2026-01-01T00:00:03.000000Z","requestURI":"/x","objectRef":{"resource":"jobs"},"responseStatus":{"code":201}}
{"stage":"ResponseComplete","verb":"get","requestReceivedTimestamp":"2026-01-01T00:00:03.000000Z","requestURI":"/x","objectRef":{"resource":"jobs"},"responseStatus":{"code":200}}
{"stage":"ResponseComplete","verb":"update","requestReceivedTimestamp":"2026-01-01T00:00:04.000000Z","requestURI":"/x","objectRef":{"resource":"applications","subresource":"status","name":"x"},"responseStatus":{"code":200}}
{"stage":"Resp`
	if err := os.WriteFile(log.path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	writes, err := log.Writes()
	if err != nil {
		t.Fatal(err)
	}
	var got string
	for _, w := range writes {
		got += fmt.Sprintf("%s by %q, made %v, %v\n", w, w.Login, w.Created, w.Annotations)
	}
	const want = `patch jobs shop/early at 00:00:01.000000 by "JTI=1", made true, map[version:7]
patch jobs shop/late at 00:00:02.000000 by "JTI=2", made false, map[]
update applications/status /x at 00:00:04.000000 by "", made false, map[]
`
	if got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
}
