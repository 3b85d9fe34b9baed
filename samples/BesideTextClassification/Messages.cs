namespace BesideTextClassification;

/// <summary>A message and its label.</summary>
internal sealed class Message
{
    public string Text { get; set; } = "";

    public string Mood { get; set; } = "";
}

/// <summary>Generates messages from a grammar and a seed.</summary>
internal static class Messages
{
    public static readonly string[] Moods = ["happy", "sad"];

    private static readonly string[] Days = ["today", "this morning", "at last", "on the way home", "with my family"];
    private static readonly string[] Good = ["I won a prize", "the sun is out", "we had cake", "my friend came back", "the exam went well"];
    private static readonly string[] Bad =
        ["I lost my keys", "the rain won't stop", "the train was late", "my friend moved away", "the exam went badly"];

    public static Message[] Make(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => One(random))];
    }

    private static Message One(Random random)
    {
        int mood = random.Next(Moods.Length);
        string[] events = mood == 0 ? Good : Bad;
        return new Message { Mood = Moods[mood], Text = $"{events[random.Next(events.Length)]} {Days[random.Next(Days.Length)]}" };
    }
}
