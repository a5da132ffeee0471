package scan_test

import (
	"testing"

	"github.com/tidelock-io/tidelock/secrets/scan"
)

func TestCredential(t *testing.T) {
	for _, tt := range []struct {
		name, value string
		want        bool
	}{
		{"password", "hunter2-canary", true},
		{"DB_PASSWORD", "hunter2-canary", true},
		{"db.client-secret", "hunter2-canary", true},
		{"app.ini", "[db]\nurl = postgres://shop:hunter2-canary@db:5432/shop\n", true},
		{"DATABASE_URL", "postgres://shop:hunter2-canary@db:5432/shop", true},

		{"DATABASE_URL", "postgres://shop:$(PASSWORD)@db:5432/shop", false},
		{"DATABASE_URL", "postgres://shop:<password>@db:5432/shop", false},
		{"DATABASE_URL", "postgres://db:5432/shop", false},
		{"PASSWORD_FILE", "/run/secrets/password1", false},
		{"password", "/run/secrets/password1", false},
		{"password", "required", false},
		{"token", "${TOKEN1}", false},
		{"TOKEN_TTL", "3600seconds", false},
		{"csrf_token_header", "X-Csrf-Token-2", false},
		{"compass", "hunter2-canary", false},
		{"secretName", "web-tls-2022", false},
		{"host", "db1.example.com", false},
	} {
		if got := scan.Credential(tt.name, tt.value); got != tt.want {
			t.Errorf("%s=%s: got %t", tt.name, tt.value, got)
		}
	}
}
