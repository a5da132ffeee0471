package rollout

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

const (
	secret    = "Secret"
	configMap = "ConfigMap"
)

// A Use is what a pod template takes of one Secret or ConfigMap.
type Use struct {
	Kind, Name string
	// Keys are the only ones that it takes, in order; nil is all of them.
	Keys []string
}

// usesOf lists what a pod takes, in order, each object once.
func usesOf(pod *corev1.PodSpec) []Use {
	var c collector
	for _, s := range pod.ImagePullSecrets {
		c.whole(secret, s.Name)
	}
	for _, container := range slices.Concat(pod.InitContainers, pod.Containers) {
		c.container(&container)
	}
	for _, v := range pod.Volumes {
		c.volume(&v.VolumeSource)
	}
	return c.sorted()
}

// A collector gathers uses. Whoever takes an object as a whole takes all its keys.
type collector struct{ uses []Use }

func (c *collector) whole(kind, name string) {
	if name != "" {
		c.use(kind, name).Keys = nil
	}
}

func (c *collector) use(kind, name string) *Use {
	i := slices.IndexFunc(c.uses, func(u Use) bool { return u.Kind == kind && u.Name == name })
	if i < 0 {
		i = len(c.uses)
		c.uses = append(c.uses, Use{Kind: kind, Name: name, Keys: []string{}})
	}
	return &c.uses[i]
}

func (c *collector) key(kind, name, key string) {
	if name == "" || key == "" {
		return
	}
	if u := c.use(kind, name); u.Keys != nil && !slices.Contains(u.Keys, key) {
		u.Keys = append(u.Keys, key)
	}
}

// items takes the listed keys, or all if none are listed.
func (c *collector) items(kind, name string, items []corev1.KeyToPath) {
	if len(items) == 0 {
		c.whole(kind, name)
	}
	for _, item := range items {
		c.key(kind, name, item.Key)
	}
}

func (c *collector) container(container *corev1.Container) {
	for _, from := range container.EnvFrom {
		if from.SecretRef != nil {
			c.whole(secret, from.SecretRef.Name)
		}
		if from.ConfigMapRef != nil {
			c.whole(configMap, from.ConfigMapRef.Name)
		}
	}
	for _, env := range container.Env {
		if env.ValueFrom == nil {
			continue
		}
		if ref := env.ValueFrom.SecretKeyRef; ref != nil {
			c.key(secret, ref.Name, ref.Key)
		}
		if ref := env.ValueFrom.ConfigMapKeyRef; ref != nil {
			c.key(configMap, ref.Name, ref.Key)
		}
	}
}

func (c *collector) volume(v *corev1.VolumeSource) {
	if v.Secret != nil {
		c.items(secret, v.Secret.SecretName, v.Secret.Items)
	}
	if v.ConfigMap != nil {
		c.items(configMap, v.ConfigMap.Name, v.ConfigMap.Items)
	}
	if v.Projected != nil {
		for _, from := range v.Projected.Sources {
			if from.Secret != nil {
				c.items(secret, from.Secret.Name, from.Secret.Items)
			}
			if from.ConfigMap != nil {
				c.items(configMap, from.ConfigMap.Name, from.ConfigMap.Items)
			}
		}
	}
	for _, name := range driverSecrets(v) {
		c.whole(secret, name)
	}
}

// driverSecrets are those that a volume's driver logs in with.
func driverSecrets(v *corev1.VolumeSource) (names []string) {
	add := func(ref *corev1.LocalObjectReference) {
		if ref != nil {
			names = append(names, ref.Name)
		}
	}
	switch {
	case v.CSI != nil:
		add(v.CSI.NodePublishSecretRef)
	case v.ISCSI != nil:
		add(v.ISCSI.SecretRef)
	case v.RBD != nil:
		add(v.RBD.SecretRef)
	case v.CephFS != nil:
		add(v.CephFS.SecretRef)
	case v.FlexVolume != nil:
		add(v.FlexVolume.SecretRef)
	case v.ScaleIO != nil:
		add(v.ScaleIO.SecretRef)
	case v.StorageOS != nil:
		add(v.StorageOS.SecretRef)
	case v.AzureFile != nil:
		names = append(names, v.AzureFile.SecretName)
	}
	return names
}

func (c *collector) sorted() []Use {
	for _, u := range c.uses {
		slices.Sort(u.Keys)
	}
	slices.SortFunc(c.uses, func(a, b Use) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return c.uses
}
