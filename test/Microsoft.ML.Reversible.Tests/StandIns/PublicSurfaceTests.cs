using Microsoft.VisualStudio.TestTools.UnitTesting;

namespace Microsoft.ML.Reversible.Tests.StandIns;

[TestClass]
public class PublicSurfaceTests
{
    private const string Sample = "Microsoft.ML.Reversible.Tests.StandIns.SampleSurface";

    [TestMethod]
    public void Every_kind_of_member_is_written_as_in_the_listings()
    {
        string[] expected =
        [
            $"E:{Sample}`1.Changed",
            $"F:{Sample}`1.Name -> System.String",
            $"M:{Sample}`1.#ctor(System.Int32) | size",
            $"M:{Sample}`1.Draw(System.String,System.Double,System.Boolean,System.Nullable{{System.DayOfWeek}},System.DayOfWeek)"
                + " -> System.Void"
                + " | text = \"a\\nb\", scale = 0.5, fill = true, day = null, first = Monday",
            $"M:{Sample}`1.Refused({Sample}{{`0}}.Inner{{System.Int64}}) -> System.Void | inner | obsolete: error",
            $"M:{Sample}`1.TryGet``1(``0,`0@,System.Int32[,][]) -> System.Boolean | key, value, params sizes",
            $"M:{Sample}`1.add_Changed(System.EventHandler) -> System.Void | value",
            $"M:{Sample}`1.get_Item(System.Int32) -> System.Int32 | index",
            $"M:{Sample}`1.get_Values -> System.Collections.Generic.IReadOnlyDictionary{{System.String,`0[]}}",
            $"M:{Sample}`1.op_Addition({Sample}{{`0}},{Sample}{{`0}}) -> {Sample}{{`0}} | left, right",
            $"M:{Sample}`1.remove_Changed(System.EventHandler) -> System.Void | value",
            $"P:{Sample}`1.Item -> System.Int32",
            $"P:{Sample}`1.Values -> System.Collections.Generic.IReadOnlyDictionary{{System.String,`0[]}}",
            $"T:{Sample}`1",
        ];

        CollectionAssert.AreEquivalent(expected, PublicSurface.Of(typeof(SampleSurface<>)).ToArray());
    }

    [TestMethod]
    public void Nested_type_of_a_generic_type_counts_only_its_own_parameters()
    {
        string[] expected = [$"F:{Sample}`1.Inner`1.Value -> `1", $"T:{Sample}`1.Inner`1"];

        CollectionAssert.AreEquivalent(expected, PublicSurface.Of(typeof(SampleSurface<>.Inner<>)).ToArray());
    }

    [TestMethod]
    [DataRow("Microsoft.ML.5.0.0", 1911)]
    [DataRow("Microsoft.ML.Tokenizers.2.0.0", 458)]
    [DataRow("TorchSharp.0.105.2", 11627)]
    public void Listing_is_read_whole(string name, int lines) => Assert.AreEqual(lines, Listing.Read(name).Count);

    [TestMethod]
    public void Made_up_member_is_caught()
    {
        string[] surface = ["T:TorchSharp.torch", "M:TorchSharp.torch.sing -> System.Void"];

        var lacking = Listing.Read("TorchSharp.0.105.2").Lacking(surface);

        CollectionAssert.AreEqual(new[] { surface[1] }, lacking.ToArray());
    }

    [TestMethod]
    public void Assembly_that_is_no_stand_in_is_caught_whole()
    {
        var surface = PublicSurface.Of(typeof(PublicSurfaceTests).Assembly).ToArray();

        Assert.HasCount(surface.Length, Listing.Read("Microsoft.ML.5.0.0").Lacking(surface));
    }
}
