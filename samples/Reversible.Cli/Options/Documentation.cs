using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Microsoft.ML.Reversible.Cli.Options;

/// <summary>Reads the XML documentation file of an assembly.</summary>
internal static partial class Documentation
{
    /// <summary>Returns a property's summary as one line of text, or its name if there is no documentation file.</summary>
    public static string SummaryOf(PropertyInfo property)
    {
        Type type = property.DeclaringType!;
        string path = Path.ChangeExtension(type.Assembly.Location, ".xml");
        if (!File.Exists(path)) return $"{property.Name}.";
        string name = $"P:{type.FullName!.Replace('+', '.')}.{property.Name}";
        XElement? summary = XDocument.Load(path).Descendants("member")
            .FirstOrDefault(member => (string?)member.Attribute("name") == name)?.Element("summary");
        return summary is null ? $"{property.Name}." : Kebab.Translate(Blanks().Replace(Text(summary), " ").Trim());
    }

    private static string Text(XElement element) => string.Concat(element.Nodes().Select(node => node switch
    {
        XText text => text.Value,
        XElement { Name.LocalName: "see" } see => ((string?)see.Attribute("cref") ?? "").Split('.')[^1],
        XElement inner => Text(inner),
        _ => "",
    }));

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
