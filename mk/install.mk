# make install DESTDIR= PREFIX=

.PHONY: install
INSTALL ?= install

# Built with the directory that the helpers are installed to.
install: all
	$(INSTALL) -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/libcri $(DESTDIR)$(LIBEXECDIR)/libcri
	$(INSTALL) -m 644 $(BUILD)/libcri.so $(DESTDIR)$(LIBDIR)/libcri.so.$(VERSION)
	ln -sf libcri.so.$(VERSION) $(DESTDIR)$(LIBDIR)/libcri.so.$(SOVERSION)
	ln -sf libcri.so.$(SOVERSION) $(DESTDIR)$(LIBDIR)/libcri.so
	$(INSTALL) -m 644 $(BUILD)/libcri.a $(DESTDIR)$(LIBDIR)/libcri.a
	$(INSTALL) -m 644 include/libcri/*.h $(DESTDIR)$(INCLUDEDIR)/libcri
	$(INSTALL) -m 755 $(HELPER_PROGRAMS) $(DESTDIR)$(LIBEXECDIR)/libcri
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@LIBEXECDIR@|$(LIBEXECDIR)|' -e 's|@VERSION@|$(VERSION)|' pkgconfig/libcri.pc.in \
		>$(DESTDIR)$(LIBDIR)/pkgconfig/libcri.pc
