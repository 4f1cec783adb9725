// The head of every page: a title, the style sheet, and a policy that forbids whatever could still be loaded.
namespace BinaryAttention.Models.Reports;

internal static class PageHead
{
    public static void Write(HtmlText html, string title)
    {
        html.Write($"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n");
        html.Write($"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"/>\n");
        html.Write($"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>{title}</title>\n");
        PageStyle.Write(html);
        html.Write($"</head>\n");
    }
}
