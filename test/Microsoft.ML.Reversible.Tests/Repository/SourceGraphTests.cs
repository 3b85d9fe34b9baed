namespace Microsoft.ML.Reversible.Tests.Repository;

/// <summary>Tests that the graph of calls follows each kind of call.</summary>
[TestClass]
public sealed class SourceGraphTests
{
    private const string Start = "Start.Run";

    [TestMethod]
    [DataRow("new End().Go();", "", "a call")]
    [DataRow("Action go = () => new End().Go(); go();", "", "a lambda")]
    [DataRow("Local(); void Local() => new End().Go();", "", "a local function")]
    [DataRow("new Middle().Run();", "class Middle { End _end = new(); public void Run() => _end.Go(); }", "a field")]
    [DataRow("_ = new Middle().Value;", "class Middle { public int Value { get { new End().Go(); return 1; } } }", "a property")]
    [DataRow("_ = new Middle();", "class Middle { readonly int _value = End.Of(); }", "a field's value")]
    [DataRow("_ = new Middle(1);", "class Middle(int x) : Base(End.Of()); class Base(int x);", "a primary constructor's arguments")]
    [DataRow("Base b = new Middle(); b.Run();",
        "abstract class Base { public abstract void Run(); } class Middle : Base { public override void Run() => new End().Go(); }",
        "an override")]
    [DataRow("IBase b = new Middle(); b.Run();",
        "interface IBase { void Run(); } class Middle : IBase { public void Run() => new End().Go(); }", "an interface")]
    [DataRow("1.Extended();", "static class Middle { public static void Extended(this int x) => new End().Go(); }", "an extension method")]
    public void AWayFromTheStartToTheEndIsFound(string body, string more, string way)
    {
        SourceGraph graph = Graph(body, more);
        Assert.IsEmpty(graph.Errors, string.Join('\n', graph.Errors));
        CollectionAssert.Contains(graph.FilesBetween(Start, "End.Go").ToArray(), "End.cs", way);
        CollectionAssert.Contains(graph.FilesFrom(Start).ToArray(), "End.cs", way);
    }

    [TestMethod]
    public void AnOverrideOfATypeThatIsNotMadeIsNotFollowed()
    {
        SourceGraph graph = Graph(
            "Base b = Other.Make(); b.Run();",
            """
            abstract class Base { public abstract void Run(); }
            class Middle : Base { public override void Run() => new End().Go(); }
            class Other : Base { public static Base Make() => new Other(); public override void Run() { } }
            """);
        CollectionAssert.DoesNotContain(graph.FilesFrom(Start).ToArray(), "End.cs");
    }

    [TestMethod]
    public void AMemberOffTheWayIsNotAmongTheFiles()
    {
        SourceGraph graph = Graph("new End().Go(); Side.Step();", "");
        CollectionAssert.AreEqual(new[] { "End.cs", "Start.cs" }, graph.FilesBetween(Start, "End.Go").ToArray());
        CollectionAssert.AreEqual(new[] { "End.cs", "Side.cs", "Start.cs" }, graph.FilesFrom(Start).ToArray());
    }

    [TestMethod]
    public void AnUnknownMemberIsRefused() => Assert.ThrowsExactly<ArgumentException>(() => Graph("", "").FilesBetween(Start, "End.Gone"));

    [TestMethod]
    public void AStepThatNoCallComesToIsRefused() =>
        Assert.ThrowsExactly<ArgumentException>(() => Graph("", "").FilesBetween(Start, "End.Go"));

    [TestMethod]
    public void AReferenceToAnotherFileIsListedWithItsPlace()
    {
        SourceGraph graph = Graph("Side.Step();", "");
        CollectionAssert.Contains(graph.References, ("Start.cs", "Side.cs", 1, "Side.Step()"));
    }

    private static SourceGraph Graph(string body, string more) => SourceGraph.Of(
    [
        ("Start.cs", $"class Start {{ public static void Run() {{ {body} }} }}"),
        ("Middle.cs", more),
        ("Side.cs", "static class Side { public static void Step() { } }"),
        ("End.cs", "class End { public void Go() { } public static int Of() { new End().Go(); return 1; } }"),
    ]);
}
