package forge

import "testing"

func TestNotOfTheLink(t *testing.T) {
	for address, allowed := range map[string]bool{
		"10.0.0.7:443": true, "127.0.0.1:80": true, "192.0.2.1:443": true, "[2001:db8::1]:443": true, "[::1]:80": true,
		"169.254.169.254:80": false, "[::ffff:169.254.169.254]:80": false, "[fe80::1%eth0]:80": false, "0.0.0.0:80": false, "[::]:80": false, "224.0.0.1:80": false, "nonsense": false,
	} {
		if err := notOfTheLink("tcp", address, nil); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
}
