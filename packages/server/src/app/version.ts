export const HAWSER_VERSION = "0.1.0";
