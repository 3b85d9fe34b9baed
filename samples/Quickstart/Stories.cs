namespace Quickstart;

/// <summary>Generates small stories from a grammar: unlimited text that a small model can learn in a minute.</summary>
internal static class Stories
{
    private static readonly (string Name, string Pronoun, string Possessive)[] Heroes =
        [
            ("Mia", "she", "her"), ("Tom", "he", "his"), ("Anna", "she", "her"),
            ("Ben", "he", "his"), ("Lily", "she", "her"), ("Max", "he", "his"),
        ];

    private static readonly string[] Animals = ["dog", "cat", "rabbit", "duck", "pony", "mouse"];
    private static readonly string[] Colours = ["red", "blue", "green", "yellow", "small", "shiny"];
    private static readonly string[] Things = ["ball", "kite", "hat", "boat", "box", "bell"];
    private static readonly string[] Places = ["the park", "the garden", "the river", "the old tree", "the beach", "the hill"];
    private static readonly string[] Hiding = ["under a leaf", "behind a stone", "in the tall grass", "near the fence", "on a low branch"];
    private static readonly string[] Weather = ["sunny", "windy", "cold", "warm", "rainy"];

    /// <summary>Generates stories from a seed, one per row.</summary>
    public static IEnumerable<TextRow> Make(int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++) yield return new TextRow { Text = One(random) };
    }

    private static string One(Random random)
    {
        var (name, pronoun, possessive) = Pick(random, Heroes);
        string animal = Pick(random, Animals), thing = $"{Pick(random, Colours)} {Pick(random, Things)}", place = Pick(random, Places);
        string opening = $"Once upon a time, {name} had a {animal} and a {thing}. ";
        string day = $"One {Pick(random, Weather)} day, {name} went to {place} with {possessive} {animal}. ";
        string middle = random.Next(3) switch
        {
            0 => $"But the {thing} was gone! {name} was sad. The {animal} ran around {place} and found it {Pick(random, Hiding)}. ",
            1 => $"There {pronoun} saw a friend who had no toys. {name} said, \"You can play with my {thing}.\" They played all day. ",
            _ => $"The {animal} was afraid of the noise. {name} gave it a hug and showed it the {thing}. Soon it was not afraid. ",
        };
        string end = random.Next(2) == 0 ? $"{name} was very happy and went home." : $"Then {name} and the {animal} went home to sleep.";
        return opening + day + middle + end;
    }

    private static T Pick<T>(Random random, T[] from) => from[random.Next(from.Length)];
}
