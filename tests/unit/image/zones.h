// SPDX-License-Identifier: GPL-3.0-or-later
/* Small zones that have every feature that answering knows. */
#pragma once

#define ZONE_ROOT                                                                                                      \
	". 86400 SOA a.root-servers.net. nstld.verisign-grs.com. 2026010100 1800 900 604800 86400\n"                   \
	". 518400 NS a.root-servers.net.\n. 518400 NS m.root-servers.net.\n"                                           \
	"net. 172800 NS a.gtld-servers.net.\nnet. 172800 NS b.gtld-servers.net.\nnet. 86400 DS 1 13 2 00112233\n"      \
	"a.root-servers.net. 518400 A 198.41.0.4\na.root-servers.net. 518400 AAAA 2001:503:ba3e::2:30\n"               \
	"m.root-servers.net. 518400 A 202.12.27.33\na.gtld-servers.net. 172800 A 192.5.6.30\n"                         \
	"a.gtld-servers.net. 172800 AAAA 2001:503:a83e::2:30\nb.gtld-servers.net. 172800 A 192.33.14.30\n"             \
	"com. 172800 NS a.gtld-servers.net.\ncom. 172800 NS b.gtld-servers.net.\ncom. 86400 DS 2 13 2 00112233\n"      \
	"aa. 172800 NS ns1.nic.aa.\naa. 172800 NS ns.example.zz.\nns1.nic.aa. 172800 A 192.0.2.1\n"                    \
	"zz. 172800 NS ns.example.zz.\nzz. 172800 NS ns.elsewhere.aa.\nns.example.zz. 172800 AAAA 2001:db8::1\n"       \
	"xn--p1ai. 172800 NS ns1.nic.aa.\nxn--p1acf. 172800 NS a.gtld-servers.net.\nxn--p1acf. 86400 DS 9 8 2 aabb\n"

#define ZONE_TLD                                                                                                       \
	"tld. 900 SOA ns.nic.tld. host.nic.tld. 7 1800 900 604800 3600\ntld. 3600 NS ns1.nic.tld.\n"                   \
	"tld. 3600 NS ns.other.\nnic.tld. 3600 A 192.0.2.9\nns1.nic.tld. 3600 A 192.0.2.10\n"                          \
	"ns1.nic.tld. 3600 AAAA 2001:db8::10\n"                                                                        \
	"one.tld. 3600 NS ns1.one.tld.\none.tld. 3600 NS ns2.two.tld.\nns1.one.tld. 3600 A 192.0.2.11\n"               \
	"two.tld. 3600 NS ns2.two.tld.\ntwo.tld. 3600 DS 3 13 2 00ff\nns2.two.tld. 3600 A 192.0.2.12\n"                \
	"ns2.two.tld. 3600 AAAA 2001:db8::12\nthree.tld. 3600 NS ns1.nic.tld.\nfour.tld. 3600 NS ns.elsewhere.\n"      \
	"a.co.tld. 3600 NS ns1.nic.tld.\nb.co.tld. 3600 NS ns1.nic.tld.\nb.co.tld. 3600 DS 4 13 2 11\n"                \
	"x.y.gov.tld. 3600 NS ns.x.y.gov.tld.\nns.x.y.gov.tld. 3600 A 192.0.2.13\n"                                    \
	"deep.org.tld. 60 TXT \"t\"\nself.tld. 3600 NS self.tld.\nself.tld. 3600 A 192.0.2.14\n"

#define ZONE_GENERAL                                                                                                   \
	"ex. 3600 SOA ns.ex. host.ex. 1 2 3 4 300\nex. 3600 NS ns.ex.\nex. 3600 NS ns.sub.ex.\nex. 3600 NS out.org.\n" \
	"ex. 3600 MX 10 mail.ex.\nex. 3600 MX 20 mail.ex.\nex. 3600 MX 30 ns.sub.ex.\nex. 3600 MX 40 mx.w.ex.\n"       \
	"ex. 60 A 192.0.2.1\nns.ex. 3600 A 192.0.2.2\nns.ex. 3600 AAAA 2001:db8::2\nmail.ex. 60 A 192.0.2.3\n"         \
	"_s._tcp.ex. 60 SRV 1 2 443 mail.ex.\n_s._tcp.ex. 60 SRV 1 2 443 gone.ex.\n"                                   \
	"sub.ex. 3600 NS ns.sub.ex.\nsub.ex. 3600 NS ns.ex.\nns.sub.ex. 3600 A 192.0.2.4\n"                            \
	"secure.ex. 3600 NS ns.sub.ex.\nsecure.ex. 3600 DS 5 13 2 22\nsecure.ex. 3600 TXT \"occluded\"\n"              \
	"*.w.ex. 60 A 192.0.2.5\n*.w.ex. 60 MX 5 mail.ex.\n*.w.ex. 60 MX 6 x.w.ex.\nhost.w.ex. 60 TXT \"no A\"\n"      \
	"a.ent.w.ex. 60 A 192.0.2.6\n*.c.ex. 60 CNAME target.ex.\n*.cw.ex. 60 CNAME deep.er.w.ex.\n"                   \
	"*.co.ex. 60 CNAME www.out.org.\ntarget.ex. 60 A 192.0.2.7\ntarget.ex. 60 AAAA 2001:db8::7\n"                  \
	"alias.ex. 60 CNAME alias2.ex.\nalias2.ex. 60 CNAME target.ex.\nout.ex. 60 CNAME www.out.org.\n"               \
	"dangling.ex. 60 CNAME gone.ex.\nloop1.ex. 60 CNAME loop2.ex.\nloop2.ex. 60 CNAME loop1.ex.\n"                 \
	"self.ex. 60 CNAME self.ex.\ncut.ex. 60 CNAME www.sub.ex.\nwild.ex. 60 CNAME q.w.ex.\nent.ex. 60 CNAME "       \
	"b.ent2.ex.\n"                                                                                                 \
	"c.b.ent2.ex. 60 A 192.0.2.8\nd.ex. 60 DNAME target.ex.\nd.ex. 60 TXT \"beside\"\nbelow.d.ex. 60 A "           \
	"192.0.2.9\n"                                                                                                  \
	"dd.ex. 60 DNAME d.ex.\ndw.ex. 60 DNAME w.ex.\ndo.ex. 60 DNAME out.org.\ndl.ex. 60 DNAME x.dl.ex.\n"           \
	"long.ex. 60 DNAME "                                                                                           \
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"              \
	"bbbbbbbbbbbbbbbbbbbbbb.cccccccccccccccccccccccccccccccccccccccccccccccccccc.ex.\n"                            \
	"todname.ex. 60 CNAME www.dd.ex.\n*.wd.ex. 60 DNAME target.ex.\n*.wn.ex. 60 NS ns.ex.\n"                       \
	"u.ex. 60 TYPE65280 \\# 4 01020304\np.ex. 60 PTR ptr.target.ex.\n\\000x.ex. 60 A 192.0.2.10\n"                 \
	"\\000.ex. 60 A 192.0.2.11\nz.\\001.ex. 60 A 192.0.2.12\n\\001\\000.ex. 60 A 192.0.2.13\n"                     \
	"*.ex.ex. 60 A 192.0.2.14\nabcdefghi.ex. 60 A 192.0.2.15\nabcdefghj.ex. 60 A 192.0.2.16\n"                     \
	"abcdefghk.ex. 60 A 192.0.2.17\nz.abcdefghj.ex. 60 A 192.0.2.18\n"
