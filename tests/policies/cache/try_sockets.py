import asyncio, os, sys, collections, json
from cache_cases import CASES
from cache_sockets import rig, play
async def main():
    only = sys.argv[1:] 
    groups = collections.defaultdict(list)
    for case in CASES:
        if only and not any(o in case.id for o in only): continue
        groups[json.dumps(case.settings)].append(case)
    fd = os.open("/tmp/cache2.log", os.O_WRONLY|os.O_CREAT|os.O_TRUNC)
    bad = 0
    for s, cases in groups.items():
        try:
          async with rig(fd, json.loads(s)) as r:
            for case in cases:
                try:
                    async with asyncio.timeout(15):
                        faults = await play(r, case.text)
                except BaseException as e:
                    faults = [repr(e)]
                if faults:
                    bad += 1
                    print(case.id, s); [print("    ", f[:400]) for f in faults]
        except Exception as e:
            print("GROUP", s, repr(e))
    print("bad", bad, "of", sum(map(len, groups.values())))
asyncio.run(main())
