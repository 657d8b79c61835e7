DROP TABLE discarded_images;
