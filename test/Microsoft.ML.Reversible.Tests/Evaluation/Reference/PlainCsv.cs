using System.Text;

namespace Microsoft.ML.Reversible.Tests.Evaluation.Reference;

/// <summary>Rows of a comma-separated file in which a field may stand in double quotes, and a quote in it is doubled.</summary>
internal static class PlainCsv
{
    public static List<string[]> Read(string path)
    {
        string text = File.ReadAllText(path);
        var rows = new List<string[]>();
        var fields = new List<string>();
        var field = new StringBuilder();
        bool quoted = false;
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (quoted && c == '"' && i + 1 < text.Length && text[i + 1] == '"') field.Append(text[i++]);
            else if (c == '"') quoted = !quoted;
            else if (quoted || c is not (',' or '\n' or '\r')) field.Append(c);
            else if (c != '\r')
            {
                fields.Add(field.ToString());
                field.Clear();
                if (c == ',') continue;
                rows.Add([.. fields]);
                fields.Clear();
            }
        }
        return rows;
    }
}
