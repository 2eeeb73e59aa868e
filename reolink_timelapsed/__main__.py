from reolink_timelapsed.cli.main import main

raise SystemExit(main())
