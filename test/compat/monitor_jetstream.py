# SPDX-License-Identifier: Apache-2.0
"""JetStream on the monitoring port. Run by test_monitor.py."""
import resource
import threading

from monitor_support import JsClient, Server, names, read_metrics, test, until

JETSTREAM = '''server_name: s
    jetstream { store_dir: "%FOLDER/js", limits { max_ack_pending: 5000 } }
    accounts {
        A { jetstream: {max_mem: 100M, max_store: 200M}, users: [{user: a, password: p}] }
        B { jetstream: enabled }
        C {}
    }
    no_auth_user: a
    '''
STATS = 'memory storage reserved_memory reserved_storage accounts ha_assets api'.split()


@test
def jsz(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()
        z = s.json('/jsz')
        assert list(z) == STATS + '''server_id now config limits streams consumers messages bytes
            total'''.split(), list(z)
        assert (z['accounts'], z['total'], z['ha_assets']) == (2, 2, 0), z
        assert (z['streams'], z['consumers'], z['messages']) == (2, 2, 10), z
        assert z['memory'] + z['storage'] == z['bytes'] > 0, z
        assert (z['reserved_memory'], z['reserved_storage']) == (1000, 1 << 20), z
        assert z['api'] == {'level': z['api']['level'], 'total': 6, 'errors': 1}, z['api']
        assert z['api']['level'] >= 2, z['api']
        assert z['limits'] == {'max_ack_pending': 5000}, z['limits']
        assert list(z['config']) == '''max_memory max_storage store_dir sync_interval sync_always
            strict'''.split(), z['config']
        assert z['config']['store_dir'] == f'{s.folder}/js/jetstream', z['config']
        a, b = s.json('/jsz?accounts=1')['account_details']
        assert list(a) == ['name', 'id'] + STATS, list(a)
        assert (a['name'], a['reserved_memory'], a['reserved_storage']) == ('A', 10**8, 2 * 10**8)
        assert a['api'] == {'level': 0, 'total': 6, 'errors': 1}, a
        assert (b['name'], b['reserved_memory'], b['storage']) == ('B', 2**64 - 1, 0), b

        def shown(query):
            return names(s.json('/jsz?' + query).get('account_details', []))
        assert shown('accounts=1&offset=1') == ['B'] and shown('accounts=1&limit=1') == ['A']
        assert shown('accounts=1&offset=2') == [] == shown('acc=C') == shown('acc=zz')
        assert shown('accounts=1&offset=5&limit=-1') == ['A', 'B'] == shown('streams=1')
        assert shown('acc=B') == ['B'] == shown('acc=B&accounts=1&limit=5&leader-only=1')
        assert 'stream_detail' not in s.json('/jsz?acc=A')['account_details'][0]
        raft = s.json('/jsz?raft=1')
        assert (raft['streams_leader'], raft['consumers_leader']) == (2, 2), raft
        c.close()


@test
def jsz_streams(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()

        def streams(query):
            return s.json('/jsz?acc=A&' + query)['account_details'][0]['stream_detail']
        one, two = streams('streams=1&stream-leader-only=1')
        assert list(one) == ['name', 'created', 'cluster', 'state'], list(one)
        assert (one['name'], two['name'], one['cluster']) == ('S1', 'S2', {'leader': 's'}), one
        state = one['state']
        assert list(state) == '''messages bytes first_seq first_ts last_seq last_ts num_subjects
            num_deleted consumer_count'''.split(), list(state)
        info = c.ask('$JS.API.STREAM.INFO.S1')
        assert state == info['state'] and one['created'] == info['created'], (one, info)
        one, two = streams('consumers=1')
        assert names(one['consumer_detail']) == ['C1', 'C2'] and 'consumer_detail' not in two, two
        for detail in one['consumer_detail']:
            info = c.ask(f'$JS.API.CONSUMER.INFO.S1.{detail["name"]}')
            assert 'config' not in detail and detail.pop('ts') <= info.pop('ts')
            info.pop('config'), info.pop('type')
            assert detail == info, (detail, info)
        assert one['consumer_detail'][0]['num_pending'] == 3, one
        one, two = streams('consumers=1&direct-consumers=1&config=1')
        assert list(one) == ['name', 'created', 'cluster', 'config', 'state', 'consumer_detail']
        assert one['config']['metadata'] == {'_nats.req.level': '0'}, one['config']
        assert list(one['consumer_detail'][0]) == '''stream_name name created config delivered
            ack_floor num_ack_pending num_redelivered num_waiting num_pending ts'''.split()
        assert one['consumer_detail'][0]['config']['metadata'] == {'_nats.req.level': '0'}
        first = streams('streams=1')[0]['state']
        c.close()
        s.restart()                             # the time of the first message is on disk now
        one, = streams('streams=1')
        assert one['state'] == first, (one['state'], first)
        assert read_metrics(s.request('/metrics').body)['nats_store_cache_misses_total', ''] > 0


@test
def jsz_mirrors_and_sources(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()
        c.stream('M', mirror={'name': 'S1'})
        c.stream('Z', sources=[{'name': 'S1', 'filter_subject': 's1.1'}, {'name': 'S2'}])

        def detail(name):
            streams = s.json('/jsz?acc=A&consumers=1')['account_details'][0]['stream_detail']
            return next(d for d in streams if d['name'] == name)
        until(lambda: detail('M')['state']['last_seq'] == 10, 'mirrored')
        until(lambda: detail('Z')['state']['messages'] == 4, 'sourced')
        m, z = detail('M'), detail('Z')
        assert list(m) == ['name', 'created', 'cluster', 'state', 'mirror'], list(m)
        assert (m['mirror']['name'], m['mirror']['lag']) == ('S1', 0), m
        assert list(z) == ['name', 'created', 'cluster', 'state', 'sources'], list(z)
        assert sorted(names(z['sources'])) == ['S1', 'S2'], z
        assert 'mirror' not in detail('S1')
        c.close()


@test
def jsz_many(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        streams = [f'S{i}' for i in range(300)]
        c.ask_all([('$JS.API.STREAM.CREATE.' + n, {'name': n, 'storage': 'memory'})
                   for n in streams])
        c.ask_all([(f'$JS.API.CONSUMER.CREATE.S{i % 3}.C{i}',
                    {'stream_name': f'S{i % 3}', 'config': {'durable_name': f'C{i}'}})
                   for i in range(3000)])
        z = s.json('/jsz?consumers=1&config=1')
        assert (z['streams'], z['consumers']) == (300, 3000), z['consumers']
        details = z['account_details'][0]['stream_detail']
        assert names(details) == streams, names(details)
        for i in range(3):
            assert names(details[i]['consumer_detail']) == [f'C{n}' for n in range(i, 3000, 3)]
        m = read_metrics(s.request('/metrics').body)
        assert len([k for k in m if k[0] == 'nats_stream_messages']) == 300
        assert len([k for k in m if k[0] == 'nats_consumer_pending_messages']) == 3000
        c.close()


@test
def jsz_while_assets_come_and_go(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        api = '$JS.API.STREAM.'
        c.stream('LAST', storage='memory')
        some = [f'S{i}' for i in range(200)]
        make = [(api + 'CREATE.' + n, {'name': n, 'storage': 'memory'}) for n in some] + [
            (f'$JS.API.CONSUMER.DURABLE.CREATE.{n}.C{i}',
             {'stream_name': n, 'config': {'durable_name': f'C{i}', 'ack_policy': 'explicit'}})
            for i in range(10) for n in some]
        drop = [(api + 'DELETE.' + n, None) for n in some]
        end = threading.Event()

        def change():
            while not end.is_set():
                c.ask_all(make)
                c.ask_all(drop)
        thread = threading.Thread(target=change)
        thread.start()
        try:
            for _ in range(40):
                details = s.json('/jsz?consumers=1')['account_details'][0]['stream_detail']
                for d in details:
                    assert {x['stream_name'] for x in d.get('consumer_detail', [])} <= {d['name']}
                read_metrics(s.request('/metrics').body)        # nothing twice
        finally:
            end.set()
            thread.join(60)
        assert names(s.json('/jsz?streams=1')['account_details'][0]['stream_detail']) == ['LAST']
        c.close()


@test
def jetstream_in_other_pages(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()
        v = s.json('/varz')['jetstream']
        z = s.json('/jsz')
        assert list(v) == ['config', 'stats', 'limits'], list(v)
        assert v['config'] == z['config'] and v['limits'] == z['limits'], v
        assert v['stats'] == {k: z[k] for k in STATS}, v
        for account, enabled in ('A', True), ('B', True), ('C', False), ('$SYS', False):
            detail = s.json('/accountz?acc=' + account)['account_detail']
            assert detail['jetstream_enabled'] is enabled, detail
        c.close()


@test
def healthz_jetstream(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()
        for query in ('', 'account=A', 'account=A&stream=S1', 'account=A&stream=S1&consumer=C1',
                      'js-enabled-only=1&account=zz', 'js-server-only=1&account=zz',
                      'js-meta-only=1', 'details=1&account=A'):
            assert s.json('/healthz?' + query) == {'status': 'ok'}, query
        for query, kind, fields, text in (
                ('account=B', 'ACCOUNT', {'account': 'B'}, 'account "B" not found'),
                ('account=z%22', 'ACCOUNT', {'account': 'z"'}, 'account "z\\"" not found'),
                ('account=A&stream=x', 'STREAM', {'account': 'A', 'stream': 'x'},
                 'stream "x" not found on account "A"'),
                ('account=A&stream=S1&consumer=x', 'CONSUMER',
                 {'account': 'A', 'stream': 'S1', 'consumer': 'x'},
                 'consumer "x" not found for stream "S1" on account "A"')):
            text = 'JetStream ' + text
            assert s.json('/healthz?' + query, 404) == {'status': 'unavailable', 'error': text}
            assert s.json(f'/healthz?{query}&details=1', 404) == {
                'status': 'error', 'errors': [{'type': kind, **fields, 'error': text}]}, query
        c.close()


@test
def store_failure_shows(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.stream('S', subjects=['s'])
        resource.prlimit(s.process.pid, resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        c.send('PUB s 100000\r\n' + 'x' * 100000 + '\r\n')
        c.send(('PUB s 100000\r\n' + 'x' * 100000 + '\r\n') * 15)
        until(lambda: s.request('/healthz').status == 503, 'unhealthy')
        bad = s.json('/healthz', 503)
        assert bad['status'] == 'unavailable', bad
        assert bad['error'].startswith('JetStream store write error: '), bad
        assert s.json('/healthz?details=1', 503)['errors'][0]['type'] == 'JETSTREAM'
        assert s.json('/healthz?js-enabled-only=1') == {'status': 'ok'}
        assert read_metrics(s.request('/metrics').body)['nats_store_failed', ''] == 1
        c.close()


@test
def metrics_jetstream(binary):
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        c.make_assets()
        c.send('SUB pull 3\r\nPUB $JS.API.CONSUMER.MSG.NEXT.S1.C1 pull 1\r\n2\r\n')
        until(lambda: s.json('/jsz?consumers=1')['account_details'][0]['stream_detail'][0][
            'consumer_detail'][0]['num_ack_pending'] == 2, 'two delivered')
        m = read_metrics(s.request('/metrics').body)
        state = c.ask('$JS.API.STREAM.INFO.S1')['state']
        one = 'account="A",stream="S1"'
        for key, value in {
                ('nats_jetstream_enabled', ''): 1, ('nats_jetstream_streams', ''): 2,
                ('nats_jetstream_api_errors_total', ''): 1,
                ('nats_jetstream_account_storage_bytes', 'account="A"'): state['bytes'],
                ('nats_stream_messages', one): 9, ('nats_stream_bytes', one): state['bytes'],
                ('nats_stream_first_seq', one): 1, ('nats_stream_last_seq', one): 10,
                ('nats_stream_subjects', one): 3, ('nats_stream_deleted_messages', one): 1,
                ('nats_stream_consumers', one): 2,
                ('nats_consumer_pending_messages', one + ',consumer="C1"'): 1,
                ('nats_consumer_ack_pending_messages', one + ',consumer="C1"'): 2,
                ('nats_consumer_delivered_messages_total', one + ',consumer="C1"'): 2,
                ('nats_consumer_delivered_seq', one + ',consumer="C2"'): 10,
                ('nats_store_failed', ''): 0,
                ('nats_jetstream_left_out', 'kind="streams"'): 0}.items():
            assert m[key] == value, (key, m.get(key))
        latency = 'nats_store_commit_latency_seconds'
        assert m['nats_store_commits_total', ''] >= 3 <= m['nats_store_syncs_total', '']
        assert m[latency + '_count', ''] == m[latency + '_bucket', 'le="+Inf"'] >= 3
        assert 0 < m['nats_store_sync_seconds_total', ''] < 60 and m[latency + '_sum', ''] > 0
        o = s.request('/metrics', headers={'Accept': 'application/openmetrics-text'})
        assert read_metrics(o.body, True).keys() == m.keys()
        c.close()


@test
def metrics_bound_streams_and_consumers(binary):
    bound = 10000
    with Server(binary, JETSTREAM) as s:
        c = JsClient(s)
        for start in range(0, bound + 2, 1000):
            count = min(1000, bound + 2 - start)
            c.ask_all([(f'$JS.API.STREAM.CREATE.S{i}', {'name': f'S{i}', 'storage': 'memory'})
                       for i in range(start, start + count)])
            c.ask_all([(f'$JS.API.CONSUMER.CREATE.S1.C{i}',
                        {'stream_name': 'S1', 'config': {'durable_name': f'C{i}'}})
                       for i in range(start, start + count)])
        m = read_metrics(s.request('/metrics').body)
        for kind, family in ('streams', 'nats_stream_bytes'), ('consumers',
                                                               'nats_consumer_delivered_seq'):
            assert m[f'nats_jetstream_{kind}', ''] == bound + 2
            assert len([k for k in m if k[0] == family]) == bound, kind
            assert m['nats_jetstream_left_out', f'kind="{kind}"'] == 2, kind
        c.close()
