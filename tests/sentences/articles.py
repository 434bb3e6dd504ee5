"""Texts of our own: three topics each, of which the sentences are alike."""

TRAM = (
    "The city council met on Tuesday to talk about the new tram line.",
    "The tram line will join the railway station with the university.",
    "Councillors expect that the trams carry 20,000 passengers a day.",
    "Some shop owners fear that building the tram line will keep customers away for two years.",
)
BREAD = (
    "Our bakery has a new bread made of rye and spelt.",
    "The rye bread is baked for an hour in a stone oven.",
    "Customers say that the crust of the bread is crisp and dark.",
    "A loaf of the rye bread costs four euros.",
)
PLANET = (
    "Astronomers have found a planet that circles a small red star.",
    "The planet circles its star once in eleven days.",
    "Astronomers believe that the planet is warm enough for liquid water.",
    "A new telescope will look for oxygen in the air of the planet next year.",
)
TOPICS = (TRAM, BREAD, PLANET)
ENGLISH = "\n\n".join(" ".join(topic) for topic in TOPICS)

CHINESE_TOPICS = (
    (
        "市议会周二讨论了新的电车线路。",
        "电车线路将连接火车站和大学。",
        "议员们预计电车每天运送两万名乘客。",
    ),
    (
        "面包店有一种新的黑麦面包。",
        "黑麦面包在石炉里烤一个小时。",
        "一个黑麦面包卖四欧元。",
    ),
    (
        "天文学家发现了一颗围绕红色恒星运行的行星。",
        "这颗行星十一天绕恒星一周。",
        "明年新望远镜将观察这颗行星的大气。",
    ),
)
CHINESE = "".join("".join(topic) for topic in CHINESE_TOPICS)
