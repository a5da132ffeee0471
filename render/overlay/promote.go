package overlay

import "sigs.k8s.io/kustomize/api/types"

// Promoted are the images that one overlay gives to another: tags and digests.
// Where the other has the image under a name of its own, it keeps that. What has
// neither tag nor digest says nothing about a version.
func Promoted(from, to []types.Image) (list []types.Image) {
	there := map[string]types.Image{}
	for _, image := range to {
		there[image.Name] = image
	}
	for _, image := range from {
		if image.NewTag == "" && image.Digest == "" {
			continue
		}
		if old, ok := there[image.Name]; ok {
			image.NewName, image.TagSuffix = old.NewName, old.TagSuffix
			if image == old {
				continue
			}
		}
		list = append(list, image)
	}
	return list
}
