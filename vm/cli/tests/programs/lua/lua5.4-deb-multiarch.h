// Debian's build makes this header, with the folder of C modules. There are none here.
#define DEB_HOST_MULTIARCH "none"
