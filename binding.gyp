{
  'targets': [
    {
      'target_name': 'rawtcp',
      'sources': [
        'binding/addon.cc',
        'binding/assemble.cc',
        'binding/batch_functions.cc',
        'binding/checksum.cc',
        'binding/join.cc',
        'binding/loop_handles.cc',
        'binding/neighbour_table.cc',
        'binding/netlink.cc',
        'binding/offloads.cc',
        'binding/packet_sender.cc',
        'binding/packet_socket.cc',
        'binding/port_guard.cc',
        'binding/raw_receiver.cc',
        'binding/raw_sender.cc',
        'binding/raw_socket.cc',
        'binding/route.cc',
        'binding/tun_device.cc',
        'binding/tx_batch.cc',
        'binding/verify.cc'
      ],
      'dependencies': ["<!(node -p \"require('node-addon-api').targets\"):node_addon_api"],
      'defines': ['NAPI_VERSION=8'],
      'cflags': ['-Wall', '-Wextra', '-Werror', '-fvisibility=hidden'],
      'cflags_cc': ['-std=gnu++17', '-fno-exceptions', '-fno-rtti']
    }
  ]
}
