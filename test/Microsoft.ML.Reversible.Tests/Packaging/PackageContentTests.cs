using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Microsoft.ML.Reversible.Tests.Repository;

namespace Microsoft.ML.Reversible.Tests.Packaging;

/// <summary>What the package holds.</summary>
[TestClass]
public sealed partial class PackageContentTests
{
    private static readonly string[] _frameworks = ["net8.0", "net10.0"];

    [TestMethod]
    public void ItHoldsTheLibraryItsReadmeTheTargetsAndTheTask()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedLibrary.Package);
        string[] expected =
        [
            "README.md", "buildTransitive/Reversible.MLNet.targets", "tools/netstandard2.0/Reversible.MLNet.OlderLinux.dll",
            .. _frameworks.SelectMany(f => new[] { $"lib/{f}/Microsoft.ML.Reversible.dll", $"lib/{f}/Microsoft.ML.Reversible.xml" }),
        ];
        string[] own = ["Reversible.MLNet.nuspec", "_rels/", "package/", "[Content_Types].xml"];
        CollectionAssert.AreEquivalent(
            expected, package.Entries.Select(entry => entry.FullName).Where(name => !own.Any(name.StartsWith)).ToArray());
        Assert.AreEqual("# Reversible.MLNet", Text(package, "README.md").Split('\n')[0].TrimEnd());
    }

    [TestMethod]
    public void TheSymbolsAreBesideIt()
    {
        using ZipArchive symbols = ZipFile.OpenRead(Path.ChangeExtension(PackedLibrary.Package, ".snupkg"));
        foreach (string framework in _frameworks) Assert.IsNotNull(symbols.GetEntry($"lib/{framework}/Microsoft.ML.Reversible.pdb"));
    }

    [TestMethod]
    public void ItDependsOnMLNetAndTorchSharpAndOnNoLibtorch()
    {
        XElement metadata = Metadata();
        XElement[] groups = [.. metadata.Descendants().Where(element => element.Name.LocalName == "group")];
        Assert.HasCount(2, groups);
        foreach (XElement group in groups)
        {
            CollectionAssert.AreEquivalent(
                new[]
                {
                    "Google.Protobuf", "MathNet.Numerics", "Microsoft.Extensions.AI.Abstractions", "Microsoft.ML",
                    "Microsoft.ML.Tokenizers", "TorchSharp",
                },
                group.Elements().Select(dependency => dependency.Attribute("id")!.Value).ToArray());
            XElement torchSharp = group.Elements().Single(dependency => dependency.Attribute("id")!.Value == "TorchSharp");
            Assert.AreEqual(PackedLibrary.TorchSharpVersion, torchSharp.Attribute("version")!.Value);
        }
    }

    [TestMethod]
    public void ItSaysWhatItIs()
    {
        XElement metadata = Metadata();
        string Value(string name) => metadata.Elements().Single(element => element.Name.LocalName == name).Value;
        Assert.AreEqual("Reversible.MLNet", Value("id"));
        Assert.AreEqual("MIT", Value("license"));
        Assert.AreEqual("README.md", Value("readme"));
        Assert.IsGreaterThan(50, Value("description").Length);
        Assert.IsGreaterThan(3, Value("tags").Split(' ').Length);
    }

    /// <summary>By reflection, apart from the program that removes the others: by names and numbers of parameters.</summary>
    [TestMethod]
    public void AllThatIsDocumentedIsVisible()
    {
        HashSet<string> visible = [.. VisibleMembers()];
        foreach (string framework in _frameworks)
        {
            string[] ids = Documented(framework);
            CollectionAssert.AreEqual(Array.Empty<string>(), ids.Where(id => !visible.Contains(Simplified(id))).ToArray());
        }
    }

    [TestMethod]
    public void AllTypesThatAreVisibleAreDocumented()
    {
        string[] types = [.. typeof(ReversibleCatalog).Assembly.GetExportedTypes().Select(type => "T:" + NameOf(type))];
        Assert.IsGreaterThan(50, types.Length);
        foreach (string framework in _frameworks) CollectionAssert.IsSubsetOf(types, Documented(framework));
    }

    [TestMethod]
    public void NothingInItNamesAFolderOfThisMachine()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedLibrary.Package);
        string repository = Repository.Document.PathOf("");
        foreach (ZipArchiveEntry entry in package.Entries.Where(entry => !entry.Name.EndsWith(".dll")))
            Assert.IsFalse(Text(package, entry.FullName).Contains(repository, StringComparison.Ordinal), entry.FullName);
    }

    [TestMethod]
    public void TheAssemblyHasTheVersionThatSavedModelsName()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedLibrary.Package);
        foreach (string framework in _frameworks)
        {
            using var bytes = new MemoryStream();
            using (Stream entry = package.GetEntry($"lib/{framework}/Microsoft.ML.Reversible.dll")!.Open()) entry.CopyTo(bytes);
            bytes.Position = 0;
            using var file = new PEReader(bytes);
            Assert.AreEqual(new Version(1, 0, 0, 0), file.GetMetadataReader().GetAssemblyDefinition().Version);
        }
    }

    private static IEnumerable<string> VisibleMembers()
    {
        const BindingFlags all =
            BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        foreach (Type type in typeof(ReversibleCatalog).Assembly.GetTypes().Where(IsVisible))
        {
            string name = NameOf(type);
            yield return "T:" + name;
            foreach (FieldInfo field in type.GetFields(all).Where(f => f.IsPublic || f.IsFamily || f.IsFamilyOrAssembly))
                yield return $"F:{name}.{field.Name}";
            foreach (ConstructorInfo constructor in type.GetConstructors(all).Where(IsVisible))
                yield return $"M:{name}.#ctor/{constructor.GetParameters().Length}";
            foreach (MethodInfo method in type.GetMethods(all).Where(IsVisible))
                yield return $"M:{name}.{method.Name}/{method.GetParameters().Length}";
            foreach (PropertyInfo property in type.GetProperties(all).Where(property => property.GetAccessors(true).Any(IsVisible)))
                yield return $"P:{name}.{property.Name}/{property.GetIndexParameters().Length}";
            foreach (EventInfo @event in type.GetEvents(all).Where(@event => IsVisible(@event.AddMethod!)))
                yield return $"E:{name}.{@event.Name}";
        }
    }

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsVisible(Type type) => type.IsNested
        ? (type.IsNestedPublic || type.IsNestedFamily || type.IsNestedFamORAssem) && IsVisible(type.DeclaringType!)
        : type.IsPublic;

    private static string NameOf(Type type) => type.FullName!.Replace('+', '.');

    /// <summary>An ID with the number of the parameters in place of their types.</summary>
    private static string Simplified(string id)
    {
        if (id[0] is not ('M' or 'P')) return id;
        Match parts = MemberId().Match(id);
        string inner = parts.Groups["parameters"].Value;
        int depth = 0, count = inner.Length == 0 ? 0 : 1;
        foreach (char c in inner)
        {
            if (c is '{' or '[') depth++;
            else if (c is '}' or ']') depth--;
            else if (c == ',' && depth == 0) count++;
        }
        return $"{parts.Groups["name"].Value}/{count}";
    }

    private static string[] Documented(string framework)
    {
        using ZipArchive package = ZipFile.OpenRead(PackedLibrary.Package);
        return
        [
            .. XDocument.Parse(Text(package, $"lib/{framework}/Microsoft.ML.Reversible.xml")).Descendants("member")
                .Select(member => member.Attribute("name")!.Value),
        ];
    }

    private static XElement Metadata()
    {
        using ZipArchive package = ZipFile.OpenRead(PackedLibrary.Package);
        return XDocument.Parse(Text(package, "Reversible.MLNet.nuspec")).Root!.Elements().First();
    }

    private static string Text(ZipArchive package, string name)
    {
        using var reader = new StreamReader(package.GetEntry(name)!.Open());
        return reader.ReadToEnd();
    }

    [GeneratedRegex(@"^(?<name>[^(`]*(`\d+[^(`]*)*?)(``\d+)?(\((?<parameters>.*)\))?(~.*)?$")]
    private static partial Regex MemberId();
}
