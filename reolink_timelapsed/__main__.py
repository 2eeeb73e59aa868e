from reolink_timelapsed.cli import main

raise SystemExit(main())
