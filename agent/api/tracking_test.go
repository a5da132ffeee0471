package api

import (
	"errors"
	"strings"
	"testing"
)

func TestTrackingID(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     TrackingID
	}{
		{"2.4 tracking-id: the core group is empty", "shop:/ConfigMap:prod/settings", TrackingID{"shop", "", "ConfigMap", "prod", "settings"}},
		{"group", "shop:apps/Deployment:prod/web", TrackingID{"shop", "apps", "Deployment", "prod", "web"}},
		{"2.4 instance name: of another namespace", "team_shop:apps/Deployment:prod/web", TrackingID{"team_shop", "apps", "Deployment", "prod", "web"}},
		{"colon in name", "shop:rbac.authorization.k8s.io/ClusterRole:prod/system:shop", TrackingID{"shop", "rbac.authorization.k8s.io", "ClusterRole", "prod", "system:shop"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseTrackingID(tt.in)
			if err != nil || got != tt.want {
				t.Errorf("parse %q: got %+v, %v, want %+v", tt.in, got, err, tt.want)
			}
			if got.String() != tt.in {
				t.Errorf("print %+v: got %q, want %q", got, got, tt.in)
			}
		})
	}
}

func TestTrackingIDRefused(t *testing.T) {
	for _, in := range []string{
		"", "shop", "shop:apps/Deployment", "shop:Deployment:prod/web", "shop:apps/Deployment:web",
		"shop:apps/v1/Deployment:prod/web", "shop:apps/Deployment:prod/web/0", strings.Repeat("x", 3000),
	} {
		if got, err := ParseTrackingID(in); !errors.Is(err, ErrTrackingID) || got != (TrackingID{}) {
			t.Errorf("%.40q: got %+v, %v", in, got, err)
		}
	}
}

func TestTrackingIDIsOf(t *testing.T) {
	id := TrackingID{"shop", "apps", "Deployment", "prod", "web"}
	for _, tt := range []struct {
		name                        string
		group, kind, namespace, obj string
		want                        bool
	}{
		{"2.15 fact 20: an id that names the object it sits on", "apps", "Deployment", "prod", "web", true},
		{"2.4 tracking-id: of a cluster-scoped object the namespace is the destination's", "apps", "Deployment", "", "web", true},
		{"2.15 fact 20: one that was copied to another name is nobody's", "apps", "Deployment", "prod", "web-2", false},
		{"copied to another namespace", "apps", "Deployment", "test", "web", false},
		{"copied to another kind", "apps", "ReplicaSet", "prod", "web", false},
		{"2.4 self-reference: an id of another API group is not the object's own", "extensions", "Deployment", "prod", "web", false},
	} {
		if got := id.IsOf(tt.group, tt.kind, tt.namespace, tt.obj); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}

func FuzzTrackingID(f *testing.F) {
	f.Add("shop:apps/Deployment:prod/web")
	f.Add("shop:/ConfigMap:/a:b")
	f.Add("::/:")
	f.Fuzz(func(t *testing.T, in string) {
		id, err := ParseTrackingID(in)
		if err == nil && id.String() != in {
			t.Errorf("%q is printed as %q", in, id)
		}
		if err != nil && id != (TrackingID{}) {
			t.Errorf("%q: %v, and yet %+v", in, err, id)
		}
		if err == nil && !id.IsOf(id.Group, id.Kind, id.Namespace, id.Name) {
			t.Errorf("%q is not of its own object", in)
		}
	})
}

func TestInstanceName(t *testing.T) {
	for _, tt := range []struct{ namespace, name, want string }{
		{"argocd", "shop", "shop"},
		{"", "shop", "shop"},
		{"team", "shop", "team_shop"},
	} {
		got := InstanceName(tt.namespace, tt.name, "argocd")
		if got != tt.want {
			t.Errorf("%s/%s: got %s, want %s", tt.namespace, tt.name, got, tt.want)
		}
		namespace, name := ParseInstanceName(got, "argocd")
		if InstanceName(namespace, name, "argocd") != got || name != tt.name {
			t.Errorf("%s is parsed as %s/%s", got, namespace, name)
		}
	}
}

func TestAppLabel(t *testing.T) {
	long := strings.Repeat("a", 46) + "." + strings.Repeat("b", 60)
	other := long[:len(long)-1] + "c"
	for _, tt := range []struct{ in, want string }{
		{"shop", "shop"},
		{strings.Repeat("a", 63), strings.Repeat("a", 63)},
		{long, strings.Repeat("a", 46) + "-" + AppLabel(long)[47:]},
	} {
		if got := AppLabel(tt.in); got != tt.want || len(got) > 63 {
			t.Errorf("%s: got %s, want %s", tt.in, got, tt.want)
		}
	}
	if AppLabel(long) == AppLabel(other) {
		t.Error("names that differ at the end have the same label")
	}
	if len(AppLabel(long)) != 46+1+16 {
		t.Errorf("%s is not a beginning and a hash", AppLabel(long))
	}
}
