package references

import "testing"

func TestNear(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"database", "database", false},
		{"database-credential", "database-credentials", true},
		{"databse", "database", true},
		{"dtaabase", "database", true},
		{"datebase", "database", true},
		{"dateboze", "database", false},
		{"webconfig", "web-config", true},
		{"web-api", "web-app", false},
		{"cache-1", "cache-2", false},
		{"cache-1", "cache-11", false},
		{"shop-a", "shop-b", false},
		{"log", "logs", false},
		{"logger", "loggers", true},
		{"", "a", false},
		{"a", "ab-c", false},
	} {
		if near(tt.a, tt.b) != tt.want || near(tt.b, tt.a) != tt.want {
			t.Errorf("near(%q, %q) is not %v", tt.a, tt.b, tt.want)
		}
	}
}

func TestBase(t *testing.T) {
	for name, want := range map[string]string{
		"settings-5hmt2g9f4b": "settings", "settings": "settings", "settings-production": "settings-production",
		"a-b-b4ct96d7kh": "a-b", "b4ct96d7kh": "b4ct96d7kh", "web-7d4b9c6f5": "web-7d4b9c6f5",
	} {
		if got, hashed := base(name); got != want || hashed != (got != name) {
			t.Errorf("base(%q) is %q", name, got)
		}
	}
}

func TestRelated(t *testing.T) {
	customs := map[string]bool{"orders": true, "orders-db": true, "a.b": true}
	for name, want := range map[string]bool{
		"orders": true, "orders-app": true, "my-orders-db-ca": true, "user.orders.credentials": true, "reorders": false, "orders2-app": false, "x-a.b-y": true, "": false,
	} {
		if related(name, customs) != want {
			t.Errorf("related(%q) is not %v", name, want)
		}
	}
}
